"""What every test needs: a clean environment and places of its own."""

import os

import pytest

for name in [
    n for n in os.environ if n.startswith(("TEXTUAL", "MMCONSOLE_")) or n in ("NO_COLOR", "LINES", "COLUMNS")
]:
    kept = ("MMCONSOLE_RECORDINGS", "TEST_LONG", "TEXTUAL_SNAPSHOT_TEMPDIR")
    if name not in kept:
        del os.environ[name]
os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")


@pytest.fixture
def places(tmp_path):
    """An environment whose state and sockets are this test's own."""
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **kept,
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_RUNTIME_DIR": str(runtime),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }
