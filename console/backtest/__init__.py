"""Calls the engine in simulated time: seeded worlds with every invariant checked after every event."""
