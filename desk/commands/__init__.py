"""What each `courant …` does: one module a command, talking through `terminal`."""
