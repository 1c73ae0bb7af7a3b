"""What the linter knows, as data: caniemail's tables (theirs), our detectors and judgements."""
