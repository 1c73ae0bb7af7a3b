"""The editor's preview: one page that shows a digest every way a reader may get it, and reloads.

``draft`` holds what is shown and composes it; ``server`` answers the page's questions; ``static``
writes the same digest as files.
"""
