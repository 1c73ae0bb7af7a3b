"""What must hold of every input, and a fuzzer that looks for one of which it does not."""
