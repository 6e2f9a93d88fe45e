"""The whole migration on one machine, under live traffic.

Nothing is imported here: Lambda containers are started from this package, and must not find what
is in the source tree.
"""
