"""The console on a real terminal: how it ends, what a terminal may do to it, and what it costs."""

from __future__ import annotations

import signal
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from console.tui.leave import Code
from tests.tui.terminal import Terminal

Start = Callable[..., Terminal]
QUICK_S = 4.0  # any ending takes less than this


@pytest.fixture
def start() -> Iterator[Start]:
    made: list[Terminal] = []

    def begin(*plan: str, width: int = 120, height: int = 40, **environment: str) -> Terminal:
        terminal = Terminal(["-m", "tests.tui.child", "{fd}", *plan], width, height, environment)
        made.append(terminal)
        terminal.until(lambda: terminal.shows("1 Matches") and terminal.shows("? help"), 15, "first frame")
        return terminal

    yield begin
    for terminal in made:
        terminal.close()


def is_cooked(terminal: Terminal) -> bool:
    """Whether the terminal echoes and edits lines again, as a shell needs it."""
    flags = termios.tcgetattr(terminal.fd)[3]
    return bool(flags & termios.ECHO) and bool(flags & termios.ICANON)


# ---- how it ends


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_signal_ends_it_cleanly_and_the_exit_code_says_which(start: Start, number: signal.Signals) -> None:
    terminal = start()
    terminal.signal(number)
    assert terminal.exit_code(QUICK_S) == 128 + number
    assert is_cooked(terminal)
    assert terminal.received.rstrip().endswith(number.name.encode())
    assert b"\x1b[?1049l" in terminal.received  # the shell's own screen is back
    assert b"\x1b[?1003l" in terminal.received  # and its mouse


def test_ctrl_c_and_d_detach(start: Start) -> None:
    terminal = start()
    terminal.type(b"\x03")
    terminal.until(lambda: terminal.shows("Detach"))
    time.sleep(0.6)  # what the dialog takes before it believes a key
    terminal.type(b"d")
    assert terminal.exit_code(QUICK_S) == Code.LEFT
    assert [report["message"] for report in terminal.reported("sent")][-1] == "Bye"
    assert is_cooked(terminal)
    assert b"detached: the engine keeps running" in terminal.received


def test_ctrl_q_and_s_stop_and_wait_for_the_proof(start: Start) -> None:
    terminal = start()
    terminal.type(b"\x11")
    terminal.until(lambda: terminal.shows("Detach"))
    terminal.type(b"s")
    terminal.until(lambda: terminal.shows("orders not proven gone yet"))
    assert terminal.exit_code(QUICK_S) == Code.LEFT
    assert [report["event"] for report in terminal.reported("event")] == ["Stop"]
    assert b"stopped: no order rests, proven" in terminal.received


def test_crash_is_no_success(start: Start) -> None:
    terminal = start("crash")
    terminal.until(lambda: terminal.reported("crashing"))
    assert terminal.exit_code(QUICK_S) == Code.CRASHED
    assert is_cooked(terminal)
    assert b"the line broke in a way nobody thought of" in terminal.received


def test_closed_terminal_ends_it(start: Start) -> None:
    terminal = start()
    terminal.hang_up()
    assert terminal.exit_code(QUICK_S) == Code.HUNG_UP


def test_closed_terminal_ends_it_without_the_kernels_signal_too(start: Start) -> None:
    terminal = start("deaf")
    terminal.hang_up()
    assert terminal.exit_code(QUICK_S) == Code.HUNG_UP


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, "key"])
def test_stalled_terminal_does_not_hold_it_back(start: Start, how: signal.Signals | str) -> None:
    terminal = start()
    terminal.stalled.set()
    time.sleep(1.0)
    if isinstance(how, signal.Signals):
        terminal.signal(how)
        assert terminal.exit_code(QUICK_S) == 128 + how
    else:
        terminal.type(b"\x03")
        time.sleep(1.0)
        terminal.type(b"d")
        assert terminal.exit_code(QUICK_S) == Code.LEFT


def test_crash_on_a_stalled_terminal_ends_all_the_same(start: Start) -> None:
    terminal = start("crash")
    terminal.stalled.set()
    terminal.until(lambda: terminal.reported("crashing"))
    assert terminal.exit_code(12) in (Code.CRASHED, Code.STUCK)


def test_terminal_closed_while_it_stalls_ends_it(start: Start) -> None:
    terminal = start()
    terminal.stalled.set()
    time.sleep(1.0)
    terminal.hang_up()
    assert terminal.exit_code(QUICK_S) == Code.HUNG_UP


def test_many_signals_are_one_ending_and_the_first_one_is_told(start: Start) -> None:
    """Until the process is gone: each that arrived in the last moment would have ended it by itself."""
    terminal = start()
    terminal.signal(signal.SIGTERM)
    time.sleep(0.05)  # of those that wait at the same time, the smaller number is served first
    for _ in range(1000):
        terminal.signal(signal.SIGINT)
        terminal.signal(signal.SIGHUP)
        time.sleep(0.0005)
    assert terminal.exit_code(QUICK_S) == 128 + signal.SIGTERM
    assert is_cooked(terminal)


def test_engine_that_goes_is_said_and_leaving_then_is_no_success(start: Start) -> None:
    terminal = start("lose")
    terminal.until(lambda: terminal.shows("ENGINE GONE: the engine has ended"))
    assert terminal.shows("FROZEN")
    terminal.type(b"\x03")
    terminal.until(lambda: terminal.shows("The engine does not answer"))
    terminal.type(b"d")
    assert terminal.exit_code(QUICK_S) == Code.LINE_LOST


@pytest.mark.parametrize("stream", ["stdin", "stderr"])
def test_without_a_terminal_it_says_so_in_one_line(stream: str, tmp_path: Path) -> None:
    words = tmp_path / "words"
    redirect = "</dev/null" if stream == "stdin" else ""
    command = f"{sys.executable} -m tests.tui.child 1 {redirect} 2>{words}"
    terminal = Terminal(["-c", f"import os; os.execl('/bin/sh', 'sh', '-c', {command!r})"])
    try:
        assert terminal.exit_code(8) == Code.UNFIT
        assert words.read_text().startswith("mmconsole: the console needs a terminal")
        assert words.read_text().count("\n") == 1
    finally:
        terminal.close()


def test_ctrl_z_stops_nothing(start: Start) -> None:
    terminal = start()
    terminal.type(b"\x1a")
    before = terminal.received.count(b"\x1b[6n")
    terminal.until(lambda: terminal.received.count(b"\x1b[6n") > before + 3, what="frames go on")


def test_no_question_is_left_for_the_shell_to_answer(start: Start) -> None:
    terminal = start()
    terminal.signal(signal.SIGTERM)
    terminal.exit_code(QUICK_S)
    assert terminal.received.rfind(b"\x1b[6n") < terminal.received.rfind(b"\x1b[?1049l")


@pytest.mark.parametrize(
    ("term", "words"), [("dumb", "TERM names no terminal"), ("", "TERM names no terminal")]
)
def test_terminal_that_cannot_draw_is_refused(term: str, words: str) -> None:
    terminal = Terminal(["-m", "tests.tui.child", "{fd}"], environment={"TERM": term})
    try:
        assert terminal.exit_code(8) == Code.UNFIT
        terminal.until(lambda: words in bytes(terminal.received).decode())
        assert terminal.received.count(b"\n") == 1
    finally:
        terminal.close()


# ---- what a terminal may do to it


GAP_MS = 100  # of a loop that nothing blocks


def longest_gap(terminal: Terminal, since: float) -> float:
    gaps = [
        float(str(report["ms"])) for report in terminal.reported("gap") if float(str(report["at"])) > since
    ]
    assert gaps, "the loop did not report"
    return max(gaps)


def test_stalled_reader_stops_nobody_and_gets_a_full_screen_afterwards(start: Start) -> None:
    terminal = start()
    time.sleep(1.5)  # past the start
    began = time.monotonic()
    terminal.stalled.set()
    time.sleep(4.0)
    assert longest_gap(terminal, began) < GAP_MS
    terminal.screen.resize(120, 40)
    terminal.stalled.clear()
    terminal.type(b"\x0c")
    terminal.until(
        lambda: terminal.shows("1 Matches") and terminal.shows("7 Log") and terminal.shows("? help")
    )


def test_long_stall_costs_the_console_nothing_and_is_told_to_the_engine(start: Start) -> None:
    terminal = start()
    time.sleep(1.5)
    terminal.stalled.set()
    time.sleep(2.0)
    began, cpu = time.monotonic(), processor(terminal)
    time.sleep(10.0)
    assert longest_gap(terminal, began) < GAP_MS
    spent = 100 * (processor(terminal) - cpu) / (time.monotonic() - began)
    assert spent < 20, f"{spent:.0f} % of a processor while nobody looks"
    beats = [report["facts"] for report in terminal.reported("sent") if report["message"] == "Heartbeat"]
    assert max(beat["terminal_age_ms"] for beat in beats) > 8_000  # type: ignore[index]


def processor(terminal: Terminal) -> float:
    """Seconds of processor used, as reported last."""
    return float(str(terminal.reported("gap")[-1]["cpu"]))


def test_slow_line_is_spared_by_itself(start: Start) -> None:
    terminal = start()
    assert not terminal.shows("LOW WIRE")
    terminal.answers_after = 0.7
    terminal.until(lambda: terminal.shows("LOW WIRE [w]"), 25)
    time.sleep(2.0)
    before, began = terminal.received.count(b"\x1b[6n"), time.monotonic()
    time.sleep(4.0)
    assert (terminal.received.count(b"\x1b[6n") - before) / (time.monotonic() - began) < 1.6


def test_silent_terminal_is_told_to_the_engine(start: Start) -> None:
    terminal = start()
    terminal.answers = False

    def oldest() -> int:
        beats = [report["facts"] for report in terminal.reported("sent") if report["message"] == "Heartbeat"]
        return max((beat["terminal_age_ms"] for beat in beats), default=0)  # type: ignore[index]

    terminal.until(lambda: oldest() > 2_000)
    assert not any(report["what"] == "returned" for report in terminal.reports)


def test_terminal_that_does_not_answer_gets_no_more_frames(start: Start) -> None:
    terminal = start()
    terminal.until(lambda: terminal.received.count(b"\x1b[6n") > 3)
    terminal.answers = False
    time.sleep(1.0)
    before = len(terminal.received)
    time.sleep(2.0)
    assert len(terminal.received) == before


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x82",
        b"\xe9",
        b"\x1b[99999999999;1u",
        b"\x1b[M\xff\xff\xff",
        b"\x1b[200~half a paste",
        b"\x1b[1:2;1u",
        b"\x00",
    ],
    ids=["stray-byte", "latin-1", "absurd-key", "old-mouse", "endless-paste", "odd-key", "nul"],
)
def test_garbage_neither_ends_it_nor_blocks_the_kill(start: Start, garbage: bytes) -> None:
    terminal = start()
    terminal.type(garbage)
    time.sleep(0.2)
    terminal.type(b"\x0b")
    terminal.until(lambda: terminal.reported("kill"), 2)
    assert not terminal.reported("returned")


@pytest.mark.parametrize(
    "keys",
    [b"\x0b", b"\x1b[24~", b"\x1b[107;5u", b"\x1b[107;69u", b"\x1b[24;1~"],
    ids=["ctrl-k", "f12", "kitty-ctrl-k", "kitty-ctrl-k-caps-lock", "kitty-f12"],
)
def test_kill_key_in_every_encoding(start: Start, keys: bytes) -> None:
    terminal = start()
    terminal.type(keys)
    terminal.until(lambda: terminal.reported("kill"), 2)


def test_kill_leaves_while_the_loop_is_blocked_and_the_terminal_stalled(start: Start) -> None:
    terminal = start("block")
    terminal.until(lambda: terminal.reported("blocked"))
    terminal.stalled.set()
    typed = terminal.type(b"\x0b")
    terminal.until(lambda: terminal.reported("unblocked"))
    killed, unblocked = (float(str(terminal.reported(what)[0]["at"])) for what in ("kill", "unblocked"))
    assert killed < unblocked
    assert killed - typed < 0.3


def test_proof_of_a_kill_is_seen_at_once_and_the_dialog_in_its_way_goes(start: Start) -> None:
    terminal = start()
    terminal.type(b"?")
    terminal.until(lambda: terminal.shows("Help"))
    typed = terminal.type(b"\x0b")
    terminal.until(lambda: terminal.shows("KILLED 42/42"), 3)
    assert time.monotonic() - typed < 1.0
    terminal.until(lambda: not terminal.shows("─ Help ─"), 1)
    terminal.type(b"R")
    terminal.until(lambda: terminal.shows("type RESUME"), 3)


def test_resize_storm_ends_in_the_right_layout(start: Start) -> None:
    terminal = start()
    time.sleep(1.5)
    began = time.monotonic()
    for step in range(30):
        terminal.set_size(*((200, 60) if step % 2 else (90, 30)))
        time.sleep(0.03)
    terminal.set_size(80, 24)

    def is_narrow() -> bool:
        lines = terminal.screen.text.split("\n")
        return lines[0].endswith("Z") and "4 P&L" in lines[14] and lines[23].startswith("  ^K KILL")

    terminal.until(is_narrow)
    assert longest_gap(terminal, began) < 1000


def test_stop_and_continue_leave_it_running(start: Start) -> None:
    terminal = start()
    terminal.signal(signal.SIGSTOP)
    time.sleep(0.2)
    terminal.signal(signal.SIGCONT)
    terminal.type(b"\x0c")
    count = len(terminal.received)
    terminal.until(lambda: len(terminal.received) > count + 2000)


def test_stopped_by_signal_it_gives_the_terminal_back_and_takes_it_again(start: Start) -> None:
    terminal = start()
    terminal.signal(signal.SIGTSTP)
    terminal.until(lambda: is_cooked(terminal))
    terminal.until(lambda: b"\x1b[?1049l" in terminal.received)
    terminal.screen.resize(120, 40)
    terminal.signal(signal.SIGCONT)
    terminal.until(lambda: terminal.shows("1 Matches") and terminal.shows("? help"))
    assert not is_cooked(terminal)
    before = terminal.received.count(b"\x1b[6n")
    terminal.until(lambda: terminal.received.count(b"\x1b[6n") > before + 2, what="frames go on")
    terminal.type(b"\x0b")
    terminal.until(lambda: terminal.reported("kill"), 2)


# ---- what it costs


def test_thirty_changing_matches_at_four_frames_cost_less_than_20_kilobytes_a_second(start: Start) -> None:
    terminal = start()
    time.sleep(1.5)
    before, began = len(terminal.received), time.monotonic()
    time.sleep(5.0)
    rate = (len(terminal.received) - before) / (time.monotonic() - began)
    frames = terminal.received[before:].count(b"\x1b[6n") / 5
    assert rate < 20_000, f"{rate:.0f} bytes a second"
    assert 3 <= frames <= 5.5, f"{frames} frames a second"


def test_difference_paints_the_same_screen_as_whole_frames(start: Start) -> None:
    plain, short = start("still", MMCONSOLE_NO_DIFF="1"), start("still")
    for terminal in (plain, short):
        for keys, words, there in (
            (b"jj5z", "1 Matches", False),
            (b"z", "1 Matches", True),
            (b"?", "─ Help ─", True),
            (b"\x1b", "─ Help ─", False),  # alone: with what follows at once it would be another key
            (b"1", "━1 Matches", True),
        ):
            terminal.type(keys)
            terminal.until(lambda at=terminal, words=words, there=there: at.shows(words) is there)

    def body(terminal: Terminal) -> list[str]:
        return terminal.screen.text.split("\n")[2:]

    plain.until(lambda: body(plain) == body(short))
    assert len(short.received) < len(plain.received)


@pytest.mark.parametrize("term", ["linux", "screen", "screen-256color", "tmux-256color", "vt100", "xterm"])
def test_every_usual_terminal_shows_it_and_kills(start: Start, term: str) -> None:
    terminal = start(TERM=term)
    for words in ("PAPER", "1 Matches", "2 Ladder", "? help"):
        terminal.until(lambda words=words: terminal.shows(words), what=words)
    terminal.type(b"\x0b")
    terminal.until(lambda: terminal.reported("kill"), 2)


@pytest.mark.parametrize(
    ("environment", "present", "absent"),
    [
        ({"COLORTERM": "truecolor"}, b";38;2;", b";38;5;"),
        ({"TERM": "xterm-256color"}, b";38;5;", b";38;2;"),
        ({"TERM": "xterm"}, b";9", b";38;"),
        ({"NO_COLOR": "1"}, b";7;", b"38;5;"),
    ],
    ids=["truecolor", "256", "16", "no-colour"],
)
def test_colours_are_those_the_terminal_has(
    start: Start, environment: dict[str, str], present: bytes, absent: bytes
) -> None:
    terminal = start("still", **environment)
    for words in ("PAPER", "▲ B", "▼ S", "+300", "-200", "!stale", "UNKNOWN"):
        terminal.until(lambda words=words: terminal.shows(words), what=words)
    painted = bytes(terminal.received)
    assert present in painted
    assert absent not in painted
