"""What others say of our mails and pages: Chromium, axe-core, mail parsers, SpamAssassin.

``make tools`` brings them. Without them these tests are skipped, but in CI they fail.
"""
