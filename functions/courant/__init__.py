"""Courant: feeds in, one good mail a reader.

The stages, in the order the news takes: ``feeds`` → ``articles`` → ``editions`` → ``delivery``;
``subscribers`` and ``web`` stand beside them. A stage imports only stages before it
(tests/test_architecture.py walks the arrows).
"""
