"""Venues and feeds as local servers that speak the real wire formats over the built-in exchange."""
