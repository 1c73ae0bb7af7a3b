"""One delivery as a finite machine: a model, its mutants, and the real code held against it."""
