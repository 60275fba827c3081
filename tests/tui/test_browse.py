from __future__ import annotations

from console.tui.browse import Browse, Order
from console.tui.sheet import Column, Span, chosen

ORDERS = (Order("name", lambda item: item), Order("size", len, descending=True))
COLUMNS: tuple[Column[str], ...] = (
    Column("name", 4, lambda item, _: Span(item), sort=lambda item: item),
    Column("size", 4, lambda item, _: Span(item), sort=len),
    Column("text", 4, lambda item, _: Span(item)),
)


def browse(*items: str) -> Browse[str]:
    made = Browse(ORDERS, key=lambda item: item, words=lambda item: item)
    made.fill(items)
    return made


def test_cursor_stays_on_its_item_while_others_come_and_go() -> None:
    state = browse("a", "b", "c")
    state.move(1)
    state.fill(["x", "a", "y", "b"])
    assert state.current == "b"


def test_cursor_takes_the_next_row_when_its_item_is_gone() -> None:
    state = browse("a", "b", "c")
    state.move(1)
    state.fill(["a", "c"])
    assert state.current == "c"
    state.fill([])
    assert state.current is None


def test_moves_stop_at_the_ends_but_hits_go_round() -> None:
    state = browse("a", "b", "c")
    state.move(-5)
    assert state.current == "a"
    state.wrap(-1)
    assert state.current == "c"
    state.wrap(1)
    assert state.current == "a"


def test_filter_keeps_or_leaves_out() -> None:
    state = browse("apple", "pear", "plum")
    state.needle = "PL"
    state.fill(["apple", "pear", "plum"])
    assert state.items == ["apple", "plum"]
    state.needle = "!pl"
    state.fill(["apple", "pear", "plum"])
    assert state.items == ["pear"]
    assert state.total == 3


def test_lone_exclamation_mark_filters_nothing() -> None:
    state = browse("apple")
    state.needle = "!"
    state.fill(["apple"])
    assert state.items == ["apple"]


def test_sorting_goes_round_the_ways_there_are() -> None:
    state = browse("ccc", "a", "bb")
    seen = []
    for _ in range(3):
        state.next_sort()
        seen.append(state.sorted_by)
    assert seen == ["name", "size", ""]
    state.sorted_by = "name"
    state.next_sort()
    assert state.descending
    state.fill(["a", "bb", "ccc"])
    assert state.items == ["ccc", "bb", "a"]


def test_window_moves_as_little_as_shows_the_cursor() -> None:
    state = browse(*"abcdefghij")
    state.scroll_to_cursor(4)
    assert state.top == 0
    state.move(5)
    state.scroll_to_cursor(4)
    assert state.top == 2
    state.move(-1)
    state.scroll_to_cursor(4)
    assert state.top == 2
    state.fill("ab")
    state.scroll_to_cursor(4)
    assert state.top == 0


def test_narrow_pane_gives_up_the_columns_of_highest_rank() -> None:
    columns: tuple[Column[str], ...] = (
        Column("a", 5, lambda item, _: Span(item), rank=0, grow=3),
        Column("b", 5, lambda item, _: Span(item), rank=2),
        Column("c", 5, lambda item, _: Span(item), rank=1),
    )
    assert [(column.title, width) for column, width in chosen(columns, 30)] == [("a", 8), ("b", 5), ("c", 5)]
    assert [column.title for column, _ in chosen(columns, 13)] == ["a", "c"]
    assert [(column.title, width) for column, width in chosen(columns, 6)] == [("a", 5)]


def test_several_words_must_all_occur_and_marked_ones_must_not() -> None:
    state = browse("red apple", "green apple", "red pear")
    state.needle = "red !pear"
    state.fill(["red apple", "green apple", "red pear"])
    assert state.items == ["red apple"]


def test_seeking_goes_to_the_next_that_is_wanted_and_round_the_end() -> None:
    state = browse("a", "B", "c", "D")
    assert state.seek(str.isupper)
    assert state.current == "B"
    assert state.seek(str.isupper)
    assert state.current == "D"
    assert state.seek(str.isupper)
    assert state.current == "B"
    assert not state.seek(str.isdigit)
    assert state.current == "B"
