"""Overriding what our records hold of one symbol: contracts, what they cost, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from console.core.events import SetInventory
from console.core.matches import MatchId
from console.core.units import ONE, Cash
from console.core.view import HoldingView, ListingView, MatchView
from console.tui.clock import Clock
from console.tui.dialogs.dialog import Dialog, Words, plain
from console.tui.dialogs.fields import Field
from console.tui.format import cash, clean, contracts, exact_price
from console.tui.ink import Ink
from console.tui.numbers import NumberError, contracts_of, dollars_of
from console.tui.picture import Picture
from console.tui.words import instrument


class InventoryForm(Dialog[SetInventory]):
    """Answered with the event to send."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "symbol(1)", show=False),
        Binding("up", "symbol(-1)", show=False),
        Binding("ctrl+s", "save", show=False),
    ]
    DEFAULT_CSS = "InventoryForm > Vertical { width: 78; }"

    def __init__(self, picture: Picture, match: MatchView, clock: Clock) -> None:
        super().__init__(f"Override the inventory of {clean(match.title)}", clock, risk=True)
        self._picture = picture
        self._match: MatchId = match.id
        self._chosen = 0

    def parts(self) -> Sequence[Widget]:
        """The symbol, what the records say, the new numbers, the reason."""
        return [
            Words("symbol", plain("", "", "", ""), height=4),
            Field("contracts", "contracts", hint="net YES; NO is negative"),
            Field("cost", "cost in all", hint="dollars, fees included"),
            Field("reason", "reason", hint="for the journal", wide=True),
            Words("wrong", plain(""), height=1),
        ]

    def on_mount(self) -> None:
        """Begin with the number."""
        self.query_one("#contracts", Input).focus()
        self._read()

    def paint(self, picture: Picture) -> None:
        """The close-up of the match may come only now."""
        self._picture = picture
        self._read()

    def action_symbol(self, steps: int) -> None:
        """Choose another symbol."""
        self._chosen += steps
        self._read()

    def action_save(self) -> None:
        """Send it, unless something is missing."""
        event = self._read()
        if event is not None and self.ready:
            self.dismiss(event)

    @on(Input.Changed)
    def _typed(self) -> None:
        self._read()

    @on(Input.Submitted)
    def _next(self, event: Input.Submitted) -> None:
        if event.input.id == "reason":
            self.action_save()
        else:
            self.focus_next()

    # ---- reading

    def _listing(self) -> ListingView | None:
        view = self._picture.view
        listings = view.listings if view.watched == self._match else ()
        return listings[self._chosen % len(listings)] if listings else None

    def _read(self) -> SetInventory | None:
        listing = self._listing()
        if listing is None:
            self.query_one("#symbol", Words).show(plain("", "reading the match …", ink=Ink.DIM))
            return None
        self._show(listing)
        wrong, numbers, typed = "", [0, 0], False
        for index, (key, read) in enumerate((("contracts", contracts_of), ("cost", dollars_of))):
            text = self.query_one(f"#{key}", Input).value
            typed = typed or bool(text.strip())
            try:
                numbers[index] = read(text)
            except NumberError as error:
                wrong = wrong or (str(error) if text.strip() else f"{key}: a number is needed, 0 for none")
        size, cost = numbers
        reason = self.query_one("#reason", Input).value.strip()
        wrong = wrong or _doubt(size, cost) or ("" if reason else "a reason is needed, it is journalled")
        ready = f"^S or Enter: hold {contracts(size, signed=True)} at {_average(size, cost)}"
        self.query_one("#wrong", Words).show(plain(wrong or ready, ink=Ink.WARN if typed else Ink.DIM))
        if wrong:
            return None
        return SetInventory(
            match=self._match, instrument=listing.instrument, size=size, cost=Cash(cost), why=reason
        )

    def _show(self, listing: ListingView) -> None:
        held = next((h for h in self._picture.view.holdings if h.instrument.yes == listing.instrument), None)
        lines = plain("", f"{instrument(listing.instrument)[:60]}", ink=Ink.STRONG)
        lines += plain(f"pays on {clean(listing.outcome)} · our records hold {_held(held)}", ink=Ink.PLAIN)
        if len(self._picture.view.listings) > 1:
            lines += plain("↑↓ another symbol of the match", ink=Ink.DIM)
        self.query_one("#symbol", Words).show(lines)


def _held(held: HoldingView | None) -> str:
    if held is None:
        return "nothing of it"
    return f"{contracts(held.net, signed=True)} at {exact_price(held.average)}"


def _average(size: int, cost: int) -> str:
    return (
        "no cost"
        if not size
        else f"{exact_price(-(-cost * ONE // abs(size)))}, {cash(cost).lstrip('+')} in all"
    )


def _doubt(size: int, cost: int) -> str:
    """What cannot be: a contract that cost nothing, or more than it can pay."""
    if cost < 0:
        return "cost in all: what was paid is never negative"
    if not size and cost:
        return "cost in all: nothing held has no cost: type 0"
    if size and cost > abs(size):
        most = contracts(abs(size))
        return f"cost in all: {cash(cost).lstrip('+')} is more than {most} contracts can ever pay"
    return ""
