"""What the picture of the engine costs inside its process: building and encoding one view.

usage: python -m tests.bench.bench_view [--matches 50]
Target: below 5 ms for 50 matches that are all quoted, each with two books and four orders.
"""

from __future__ import annotations

import argparse
import sys
import time

from console.core import picture
from console.core.instruments import Instrument, Venue
from console.core.matches import MatchId
from console.core.settings import AccountSettings
from console.core.units import ONE, Cash
from console.link.messages import Frame
from console.link.wire import frame
from tests.core.story import Story

ROUNDS = 200


def story_of(matches: int) -> Story:
    """A market made on so many matches, half of them with a position."""
    rich = AccountSettings(
        exposure_total=Cash(100_000 * ONE),
        exposure_venue=Cash(100_000 * ONE),
        write_tokens_per_s=100_000,
        write_burst=100_000,
        open_orders=10_000,
    )
    story = Story(account=rich).up()
    story.clerks[Venue.KALSHI].cash = 1_000_000 * ONE
    for number in range(matches):
        pair = [Instrument(Venue.KALSHI, f"GAME{number}-{side}") for side in "AB"]
        story.add(MatchId(f"match{number}"), {pair[0]: (0,), pair[1]: (1,)})
        for at, instrument in zip((47, 51), pair, strict=True):
            story.book(
                instrument,
                {at - step: 100 + step for step in range(40)},
                {at + 2 + step: 90 + step for step in range(40)},
            )
        story.odds(2.04, 1.92, match=MatchId(f"match{number}"))
    story.wait(35)
    for order_id in list(story.clerks[Venue.KALSHI].orders)[: 2 * matches : 4]:
        story.fill(order_id, 5)
    story.wait(2)
    return story


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the building of a view.")
    parser.add_argument("--matches", type=int, default=50)
    matches = parser.parse_args().matches
    story = story_of(matches)
    watched = MatchId("match0")
    took: list[tuple[float, float]] = []
    size = 0
    for _ in range(ROUNDS):
        began = time.perf_counter()
        view = picture.view(story.state, watched)
        built = time.perf_counter()
        size = len(frame(Frame(view=view)))
        took.append((built - began, time.perf_counter() - built))
    building, encoding = (sorted(each) for each in zip(*took, strict=True))
    middle, late = ROUNDS // 2, ROUNDS * 99 // 100
    print(f"{matches} matches, {len(view.orders)} orders, {len(view.recent_fills)} fills")
    print(f"  building   p50 {building[middle] * 1000:.2f} ms   p99 {building[late] * 1000:.2f} ms")
    print(f"  encoding   p50 {encoding[middle] * 1000:.2f} ms   p99 {encoding[late] * 1000:.2f} ms")
    print(f"  frame      {size / 1000:.0f} kB")


if __name__ == "__main__":
    sys.exit(main())
