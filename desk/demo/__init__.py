"""The demo: an invented paper, sample readers, and days that pass in seconds."""
