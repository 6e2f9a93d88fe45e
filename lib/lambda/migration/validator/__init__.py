"""Compares every row of two databases, also while one is still being replicated to the other."""
