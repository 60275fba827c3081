"""A pretended ProphetX on this machine: both wire dialects, push channels, and a crowd that bets.

It runs on an exchange of its own, not on the built-in one: there both sides of a line share one pool, stakes
are whole cents, and a bet is never sold again, none of which the built-in exchange knows.
"""
