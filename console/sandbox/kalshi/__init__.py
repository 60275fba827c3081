"""Kalshi's wire over the pretended exchange: REST and WebSocket of the API version of October 2026.

Written from the published schema and from recorded traffic, apart from the client it tests. Where the venue
leaves a thing open, this one does what is worst for a client that guesses.
"""
