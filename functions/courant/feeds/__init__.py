"""URL → articles: guard → fetch → parse → clean → identity → store.

Nothing is imported here: the heartbeat needs ``feeds.store`` alone and must not load a parser.
"""
