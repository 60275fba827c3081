"""The pretended world: exchanges that match, wires that misbehave and seeded markets, as pure as core."""
