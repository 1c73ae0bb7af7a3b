"""The child process in which strangers' bytes are read."""
