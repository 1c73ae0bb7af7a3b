"""A deterministic simulation of delivery: the real code over fakes, with faults by seed.

``table`` and ``expressions`` are DynamoDB in memory, ``world`` is time, greenlets and faults,
``play`` is one edition from its start to its rest, ``laws`` is what must hold of it.
"""
