"""ProphetX: a betting exchange in American odds.

Its oddities, all from the vendor's pages and clients as of November 2026:

- Two vocabularies are spoken: `legacy` (wager, odds, stake, line) and, since September 2026, `v4` (order,
  price, quantity, strike). Inside there is one (`neutral`); `dialects` translates at the edge, nowhere else.
- A bet on one side shows to others as an offer of the *other* side at the opposite odds, so both sides of a
  line share one pool: each is an instrument, and the mirror of the other. Even money is +100 on both.
- Money is in cents. A position is its stake and its winnings; contracts (their sum) and price are views.
- A placed order is `inactive` until the private channel says `open`, and may still turn out `invalid`.
- A bet cancelled after a part of it was matched stays `open`; its stake shrinks to that part and it counts as
  `fully_matched`. Nothing waits for the word `canceled` there.
- A cancel-all with nothing to cancel is 404, which is success.
- Reads come from a reporting copy: `last_synced_at` says how old it is. Absent there is not lost.
- Every login is one of twenty sessions. It is kept between runs, and errors never log in again.
- Fills come as cumulative totals, repeated and out of order; a push channel's auth dies with its socket.
- There is no cancel on disconnect: the watchdog process is what empties the venue when the engine is gone.
"""
