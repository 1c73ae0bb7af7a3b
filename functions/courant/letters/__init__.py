"""Mails that are no digest: the confirmation that a new reader answers, the editors' report."""
