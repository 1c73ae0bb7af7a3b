"""Strangers' words, addresses, pictures and dates → ones that can be shown."""
