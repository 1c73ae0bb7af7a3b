"""A mailbox page on loopback: where one reads the mails that the local stack sent."""
