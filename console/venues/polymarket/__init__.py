"""Polymarket: CLOB V2 and V3 orders, books and accounts; an instrument is one token of a condition.

The symbol is the market's slug, its YES leg the first token and its NO leg the second: both trade in one
book, a bid for one at p being an offer of the other at 1 - p. What the wire does that others do not
(documentation and official SDKs of the second half of 2026, captures of May 2026):

- Levels come worst first: the best bid and the best ask are the last of their lists.
- `outcomes`, `outcomePrices`, `clobTokenIds` are strings that hold JSON; `positionIds` is a real array.
- The order id is the EIP-712 digest of the order, also for signature type 3, which signs another one. It
  is known before anything is sent and is the only handle on an order that got no answer.
- ``success: true`` is not acceptance: an accepted order has an id, no error text and a status of its own.
- A match is no settlement: MATCHED may end in FAILED, and then never happened.
- Of a maker's fill the top of a trade describes the taker; our part is in `maker_orders`, perhaps on the
  other token.
- The first heartbeat arms the whole API key: 10 s without one cancel every order of every process on it.
- A WebSocket book hash is SHA-1 over the REST form of the book, whose `min_order_size` and `neg_risk` the
  stream does not carry; `last_trade_price` keeps its spelling and is shared by both tokens.
- `POLY_ADDRESS` is the signing key's address, `maker` the wallet that pays, `owner` the API key.
- `timestamp` is in ms in orders and in s in headers; `expiration` is in s, unsigned, and a minute early.
"""
