"""Edition × subscribers → inboxes: nobody twice, nobody forgotten (DESIGN §6)."""
