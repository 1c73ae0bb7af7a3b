"""Edition × subscribers → inboxes: nobody twice, nobody forgotten (docs/delivery.md)."""
