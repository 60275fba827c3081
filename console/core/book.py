"""One symbol's order book: sizes by rung of the price ladder, and how far it can be trusted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from console.core.instruments import ASK, BID, BookSide
from console.core.ladders import Ladder
from console.core.reasons import Reason
from console.core.units import CENT, ONE, Cash, Nanos, Price

NARROW = 2 * CENT  # of a spread: within it the microprice can move but little
NEVER = Nanos(-(10**18))  # before any clock: an age from here is too old for everything


class Stream:
    """When the subscription behind a venue's books last proved intact."""

    __slots__ = ("ts",)

    def __init__(self) -> None:
        self.ts = NEVER


class Book:
    """Bids and asks of the YES leg in millionths, by rung, with the best of each side kept at hand.

    `best_bid` is -1 and `best_ask` is the number of rungs while the side is empty.
    """

    __slots__ = (
        "ask_guard",
        "ask_least",
        "ask_most",
        "ask_sizes",
        "best_ask",
        "best_bid",
        "bid_guard",
        "bid_least",
        "bid_most",
        "bid_sizes",
        "changed_ts",
        "crossings",
        "guarded",
        "index",
        "ladder",
        "proof_ts",
        "stale",
        "stream",
    )

    def __init__(self, ladder: Ladder, stream: Stream) -> None:
        self.ladder = ladder
        self.index = ladder.index
        self.stream = stream
        self.bid_sizes = [0] * len(ladder)
        self.ask_sizes = [0] * len(ladder)
        self.best_bid = -1
        self.best_ask = len(ladder)
        self.stale = "no snapshot yet"  # why it is not trusted, empty when it is
        self.proof_ts = NEVER  # the last snapshot
        self.changed_ts = NEVER  # the last move of a best price
        self.crossings = 0  # how often a best price moved to or across the other
        # What the last decision saw: the best rivals' rungs, behind which changes can wait, the sizes between
        # which each is the rival it was, and whether the book was sound.
        self.unguard()
        self.bid_least = self.bid_most = self.ask_least = self.ask_most = 0

    # ---- learning

    def snapshot(self, bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]], ts: Nanos) -> None:
        """Replace everything; a level off the ladder or below zero leaves the book untrusted."""
        before = (self.best_bid, self.best_ask)
        rungs = len(self.ladder)
        self.bid_sizes, self.ask_sizes = [0] * rungs, [0] * rungs
        self.stale = ""
        for levels, sizes in ((bids, self.bid_sizes), (asks, self.ask_sizes)):
            for price, size in levels:
                rung = self.index.get(price)
                if rung is None or size < 0:
                    self.stale = (
                        f"level {size}@{price} is off the ladder" if rung is None else "negative level"
                    )
                else:
                    sizes[rung] += size
        self.best_bid = next((r for r in range(rungs - 1, -1, -1) if self.bid_sizes[r]), -1)
        self.best_ask = next((r for r in range(rungs) if self.ask_sizes[r]), rungs)
        self.proof_ts = ts  # of this book alone: it may have been read apart from the stream
        if (self.best_bid, self.best_ask) != before:
            self._moved(ts)

    def delta(self, side: BookSide, price: int, change: int, ts: Nanos) -> bool:
        """Change one level by `change`; False when none by the best rivals could come out otherwise."""
        try:
            rung = self.index[price]
        except KeyError:
            self.stale = f"price {price} is off the ladder"
            return True
        self.stream.ts = ts
        if side is BID:
            sizes, best = self.bid_sizes, self.best_bid
            size = sizes[rung] = sizes[rung] + change
            if size > 0:
                if rung <= best:
                    return rung >= self.bid_guard and (
                        rung > self.bid_guard or not self.bid_least <= size <= self.bid_most
                    )
                self.best_bid = rung
            elif size < 0:
                return self._negative(sizes, rung)
            elif rung != best:
                return rung >= self.bid_guard
            else:
                while rung >= 0 and not sizes[rung]:
                    rung -= 1
                self.best_bid = rung
        else:
            sizes, best = self.ask_sizes, self.best_ask
            size = sizes[rung] = sizes[rung] + change
            if size > 0:
                if rung >= best:
                    return rung <= self.ask_guard and (
                        rung < self.ask_guard or not self.ask_least <= size <= self.ask_most
                    )
                self.best_ask = rung
            elif size < 0:
                return self._negative(sizes, rung)
            elif rung != best:
                return rung <= self.ask_guard
            else:
                top = len(sizes)
                while rung < top and not sizes[rung]:
                    rung += 1
                self.best_ask = rung
        self._moved(ts)
        return True

    def unguard(self) -> None:
        """None of its changes can wait."""
        self.guarded = False
        self.bid_guard, self.ask_guard = -1, len(self.ladder)

    def distrust(self, why: str) -> None:
        """Not to be quoted on until the next snapshot."""
        self.stale = why

    def _moved(self, ts: Nanos) -> None:
        self.changed_ts = ts
        if self.best_bid >= self.best_ask:
            self.crossings += 1

    def _negative(self, sizes: list[int], rung: int) -> bool:
        sizes[rung] = 0
        self.stale = "a level fell below zero"
        return True

    # ---- asking

    @property
    def confirmed_ts(self) -> Nanos:
        """When it was last proven that the book stands as it is."""
        streamed = self.stream.ts
        return streamed if streamed > self.proof_ts and not self.stale else self.proof_ts

    def problem(self, quote_empty: bool) -> Reason | None:
        """Why nothing may be quoted on this book, age aside; None when it is sound."""
        if self.stale:
            return Reason.NO_BOOK if self.proof_ts == NEVER else Reason.STALE_BOOK
        if self.best_bid >= self.best_ask:
            return Reason.CROSSED_BOOK
        if self.best_bid < 0 and self.best_ask >= len(self.ladder) and not quote_empty:
            return Reason.NO_BOOK
        return None

    def best_bid_price(self) -> Price | None:
        """Best bid of the YES leg, ours included."""
        return Price(self.ladder.prices[self.best_bid]) if self.best_bid >= 0 else None

    def best_ask_price(self) -> Price | None:
        """Best ask of the YES leg, ours included."""
        return Price(self.ladder.prices[self.best_ask]) if self.best_ask < len(self.ladder) else None

    def mid(self) -> Price | None:
        """Half way between the best prices, rounded down; None while a side is empty."""
        bid, ask = self.best_bid_price(), self.best_ask_price()
        return None if bid is None or ask is None else Price((bid + ask) // 2)

    def levels(self) -> Iterable[tuple[int, int, int]]:
        """(price, bid size, ask size) of every rung with a size, ascending."""
        for price, bid, ask in zip(self.ladder.prices, self.bid_sizes, self.ask_sizes, strict=True):
            if bid or ask:
                yield price, bid, ask


class Face:
    """One side of a book as a bidder sees it: the bids, or the asks mirrored into prices of the NO leg.

    All prices are what one pays per contract of the leg this side buys, so higher is better.
    `own` is our size by YES price, taken out of what others show. Good for as long as the book stands.
    """

    __slots__ = ("_asked", "_rival", "book", "mirrored", "own")

    def __init__(self, book: Book, side: BookSide, own: Mapping[int, int]) -> None:
        self.book = book
        self.mirrored = side is ASK
        self.own = own
        self._asked = -1  # the smallest size of the last rival asked for, who is kept
        self._rival: tuple[Price, int] | None = None

    def rival(self, size_min: int) -> tuple[Price, int] | None:
        """Best price at which others' cumulative size reaches `size_min`, and the size at it."""
        if size_min != self._asked:
            self._asked, self._rival = size_min, self.rival_below(ONE, size_min)
        return self._rival

    def rival_below(self, bound: int, size_min: int) -> tuple[Price, int] | None:
        """The same of the prices under `bound`."""
        book = self.book
        prices, rungs = book.ladder.prices, len(book.ladder.prices)
        sizes, step = (book.ask_sizes, 1) if self.mirrored else (book.bid_sizes, -1)
        rung = book.best_ask if self.mirrored else book.best_bid
        total = 0
        while 0 <= rung < rungs:
            size = sizes[rung]
            if size:
                price = prices[rung]
                size -= self.own.get(price, 0)
                shown = ONE - price if self.mirrored else price
                if size > 0 and shown < bound:
                    total += size
                    if total >= size_min:
                        return Price(shown), size
            rung += step
        return None

    def above(self, bid: int) -> Iterator[Price]:
        """Others' prices that are better than `bid`, best first."""
        book = self.book
        prices, rungs = book.ladder.prices, len(book.ladder.prices)
        sizes, step = (book.ask_sizes, 1) if self.mirrored else (book.bid_sizes, -1)
        rung = book.best_ask if self.mirrored else book.best_bid
        while 0 <= rung < rungs:
            price = prices[rung]
            shown = ONE - price if self.mirrored else price
            if shown <= bid:
                return
            if sizes[rung] > self.own.get(price, 0):
                yield Price(shown)
            rung += step

    def opposing(self, own: Mapping[int, int]) -> Price | None:
        """The price at which one could buy at once from others (`own`: our size on that side)."""
        book = self.book
        prices, rungs = book.ladder.prices, len(book.ladder.prices)
        sizes, step = (book.bid_sizes, -1) if self.mirrored else (book.ask_sizes, 1)
        rung = book.best_bid if self.mirrored else book.best_ask
        while 0 <= rung < rungs:
            price = prices[rung]
            if sizes[rung] > own.get(price, 0):
                return Price(ONE - price if self.mirrored else price)
            rung += step
        return None

    def depth(self, span: int, enough: int) -> int:
        """Others' size within `span` of their best price; no more of it than `enough` is looked for."""
        book = self.book
        prices, rungs = book.ladder.prices, len(book.ladder.prices)
        sizes, step = (book.ask_sizes, 1) if self.mirrored else (book.bid_sizes, -1)
        rung = book.best_ask if self.mirrored else book.best_bid
        total, best = 0, -1
        while 0 <= rung < rungs and total < enough:
            size = sizes[rung]
            if size:
                price = prices[rung]
                if best >= 0 and abs(price - best) > span:
                    break
                size -= self.own.get(price, 0)
                if size > 0:
                    total += size
                    if best < 0:
                        best = price
            rung += step
        return total

    def best_own(self) -> Price | None:
        """Our best bid price on this side, as its bidder sees it."""
        if not self.own:
            return None
        prices = [price for price, size in self.own.items() if size > 0]
        if not prices:
            return None
        return Price(ONE - min(prices)) if self.mirrored else Price(max(prices))

    def queue(self, bid: int) -> int:
        """Others' size at a legal price: what an order placed there now waits behind."""
        at = ONE - bid if self.mirrored else bid
        sizes = self.book.ask_sizes if self.mirrored else self.book.bid_sizes
        return max(0, sizes[self.book.index[at]] - self.own.get(at, 0))

    def down(self, price: int) -> Price | None:
        """Largest legal price at or below `price`."""
        if not self.mirrored:
            return self.book.ladder.down(price)
        up = self.book.ladder.up(ONE - price)
        return None if up is None else Price(ONE - up)

    def up(self, price: int) -> Price | None:
        """Smallest legal price at or above `price`."""
        if not self.mirrored:
            return self.book.ladder.up(price)
        down = self.book.ladder.down(ONE - price)
        return None if down is None else Price(ONE - down)

    def tick_at(self, price: int) -> int:
        """Distance from the legal price `price` to the next one up (the last gap at the top)."""
        ladder = self.book.ladder
        if not self.mirrored:
            return ladder.tick_at(price)
        # Up in prices of the NO leg is down in those of the book.
        below = ladder.below(ONE - price)
        return ladder.tick_at(below if below is not None else ladder.prices[0])


# ---- changes that can wait


def guard(
    book: Book, bids: Face, asks: Face, dust: int, own_bids: Mapping[int, int], own_asks: Mapping[int, int]
) -> None:
    """Remember the best rivals that a decision saw, so that it is not made anew for what is behind them, nor
    for their size before it moves the microprice by more than some 0.7 cents.

    `own_bids` and `own_asks` are our sizes as they are now decided: no part of a rival.
    """
    bid, ask = bids.rival(dust), asks.rival(dust)
    book.bid_guard, book.ask_guard = -1, len(book.ladder)
    spread = NARROW if bid is None or ask is None else max(NARROW, ONE - ask[0] - bid[0])
    if bid is not None:
        book.bid_guard = book.index[bid[0]]
        book.bid_least, book.bid_most = _alike(bid[1], spread, dust, own_bids.get(bid[0], 0))
    if ask is not None:
        at = ONE - ask[0]
        book.ask_guard = book.index[at]
        book.ask_least, book.ask_most = _alike(ask[1], spread, dust, own_asks.get(at, 0))


def _alike(size: int, spread: int, dust: int, own: int) -> tuple[int, int]:
    """Least and most that may stand at a level for its rival to count as the same: half and twice as much
    where the spread is narrow, and the closer to what was seen the wider it is.
    """
    more = size * NARROW // spread
    return max(1, dust, size - more // 2) + own, size + more + own


def is_guarded(book: Book, side: BookSide, own: Mapping[int, int], dust: int) -> bool:
    """Whether the best rival of a side is still the one that the last decision saw."""
    rival = Face(book, side, own).rival(dust)
    if side is BID:
        return book.bid_guard == (-1 if rival is None else book.index[rival[0]])
    return book.ask_guard == (len(book.ladder) if rival is None else book.index[ONE - rival[0]])


def can_wait(book: Book, side: BookSide, price: int, change: int, own: Mapping[int, int], dust: int) -> bool:
    """Whether the last decision would be the same after a change of a level, on a book that is sound.

    It was sound then too; nobody has come or gone at that level but ourselves; the best rival is the one that
    was seen, and about as large.
    """
    rung = book.index[price]
    if side is BID:
        size, seen, least, most = book.bid_sizes[rung], book.bid_guard, book.bid_least, book.bid_most
    else:
        size, seen, least, most = book.ask_sizes[rung], book.ask_guard, book.ask_least, book.ask_most
    ours = own.get(price, 0)
    others = size > ours
    if not book.guarded or (size - change > ours) is not others:
        return False
    if others and rung == seen:
        return least <= size <= most
    return is_guarded(book, side, own, dust)


# ---- trading at once


def sale_value(book: Book, size: int, own: Mapping[int, int]) -> tuple[int, Cash]:
    """What selling `size` YES contracts into others' bids now would fill and bring, without fees."""
    left, cash = size, 0
    for rung in range(book.best_bid, -1, -1):
        price = book.ladder.prices[rung]
        taken = min(left, book.bid_sizes[rung] - min(book.bid_sizes[rung], own.get(price, 0)))
        cash += price * taken // ONE
        left -= taken
        if left == 0:
            break
    return size - left, Cash(cash)


def purchase_cost(book: Book, size: int, own: Mapping[int, int]) -> tuple[int, Cash]:
    """What buying `size` YES contracts from others' asks now would fill and cost, without fees."""
    left, cash = size, 0
    for rung in range(book.best_ask, len(book.ladder)):
        price = book.ladder.prices[rung]
        taken = min(left, book.ask_sizes[rung] - min(book.ask_sizes[rung], own.get(price, 0)))
        cash -= -(price * taken) // ONE
        left -= taken
        if left == 0:
            break
    return size - left, Cash(cash)
