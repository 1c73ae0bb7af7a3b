"""Articles → a frozen edition: select, render, cut, freeze."""
