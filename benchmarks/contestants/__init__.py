"""Who gathers in the benchmark: each a process that prints one line of JSON and ends."""
