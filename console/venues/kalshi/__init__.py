"""Kalshi: `wire` its spelling of values, `frames` its streams, `feed` their order, `listings` its REST facts.

Oddities of the wire (AsyncAPI text of September 2026, OpenAPI 3.34.0, recordings of August 2026):

- Prices are dollar strings and sizes contract strings, both fixed-point; sizes come in hundredths.
- A book is two ladders of bids, one per leg. A NO bid at q is an ask of the YES leg at 1 - q, unless the
  subscription said ``use_yes_price``: then NO levels already carry YES prices. The default will flip.
- The key of an empty side is missing from a snapshot, so a renamed side would read as an empty one:
  unknown ``yes_*`` and ``no_*`` keys are refused.
- ``seq`` counts the frames of a whole subscription (``sid``), ``ok`` and ``unsubscribed`` included.
- Fields and message types are added weekly: unknown ones pass; one that we read and that is missing or
  malformed is a `ParseError`.
"""
