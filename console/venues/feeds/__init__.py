"""Odds feeds: parsed, paired with matches, paid for within a budget, and told to the engine."""
