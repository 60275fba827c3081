"""The three odds feeds as one local server, on the seeded world or on a recording."""
