"""Polymarket as a local server: its REST hosts, both sockets and its moods over the pretended exchange.

Written from the description of the venue's wire and sharing no line with the client, so that a mistake in
one does not hide a mistake in the other. One port serves everything: the order book host at the root,
Gamma below ``/gamma``, the Data API below ``/data-api``, sockets below ``/ws``.
"""
