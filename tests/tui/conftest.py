"""Settles the environment before Textual is imported: its constants are read only then."""

from __future__ import annotations

import gc
import os

OURS = "TEXTUAL_SNAPSHOT_"  # what the snapshot plug-in tells its workers
for name in [
    name
    for name in os.environ
    if (name.startswith("TEXTUAL_") and not name.startswith(OURS)) or name in ("NO_COLOR", "LINES", "COLUMNS")
]:
    del os.environ[name]
os.environ["TEXTUAL_ANIMATIONS"] = "none"
os.environ["TEXTUAL_FPS"] = "250"  # a test waits for every repaint

gc.set_threshold(50_000, 20, 50)  # every app leaves thousands of objects behind: it takes long to look at all
