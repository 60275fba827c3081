"""Decides: pure trading logic without clock, network, chance or logging."""
