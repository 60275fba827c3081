"""A replay's journal: what waits for the disk is bounded, however fast the replay is."""

from __future__ import annotations

from pathlib import Path

from console.backtest.record import BATCH, Decisions
from console.core.commands import Refuse
from console.journal import Reader

COMMANDS = 20 * BATCH


def test_what_waits_for_the_disk_is_bounded(tmp_path: Path) -> None:
    decisions, most = Decisions(tmp_path), 0
    for number in range(COMMANDS):
        decisions.command(Refuse(text=str(number)))
        most = max(most, decisions.waiting)
    decisions.close()
    assert most <= 2 * BATCH
    reader = Reader(decisions.path)
    assert sum(1 for _ in reader.account()) == COMMANDS
    reader.close()
