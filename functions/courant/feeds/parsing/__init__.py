"""What the bytes say: document → raw entries. Nothing here is safe to print yet."""
