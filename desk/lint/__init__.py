"""What is wrong with a rendered digest: in mail clients, for readers who hear it, as a mail.

Text in, findings out; nothing here fetches, writes or prints. ``check.check`` is the way in.
"""
