"""Rehearsed failures: a real engine on a pretended exchange, broken on purpose, timed until it is safe."""
