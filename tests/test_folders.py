"""Where things are kept: modes, the lock, the latch."""

import os
import resource
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from console.core.events import Mode
from console.folders import FolderError, KillLatch, Lock, LockedError, socket_path, state_folder


@pytest.fixture
def short():
    """A folder whose path leaves room for a socket's name."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


def mode_of(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def test_state_is_the_owners_alone_and_apart_by_mode_and_account(places):
    sim = state_folder(places, Mode.SIM, "main")
    assert mode_of(sim) == 0o700
    assert len({sim, state_folder(places, Mode.LIVE, "main"), state_folder(places, Mode.SIM, "other")}) == 3


def test_socket_falls_back_to_a_private_folder(places, short, monkeypatch):
    del places["XDG_RUNTIME_DIR"]
    monkeypatch.setattr("tempfile.tempdir", str(short))
    path = socket_path(places, Mode.SIM, "main")
    assert path.parent.parent == short
    assert mode_of(path.parent) == 0o700


def test_socket_folder_of_somebody_else_is_refused(places, short, monkeypatch):
    del places["XDG_RUNTIME_DIR"]
    monkeypatch.setattr("tempfile.tempdir", str(short))
    (short / "elsewhere").mkdir()
    (short / f"mmconsole-{os.getuid()}").symlink_to(short / "elsewhere")
    with pytest.raises(FolderError, match="belongs to somebody else"):
        socket_path(places, Mode.SIM, "main")


def test_socket_path_too_long_for_the_kernel_goes_elsewhere_or_is_refused(places, tmp_path, monkeypatch):
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    long = {**places, "XDG_RUNTIME_DIR": str(deep)}
    monkeypatch.setattr("tempfile.tempdir", "/tmp")
    assert str(socket_path(long, Mode.SIM, "main")).startswith("/tmp/mmconsole-")
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    with pytest.raises(FolderError, match="too long for a socket"):
        socket_path(long, Mode.SIM, "main")


def test_second_engine_of_the_same_account_is_refused_and_told_who_holds_it(tmp_path):
    first = Lock(tmp_path)
    with pytest.raises(LockedError, match=f"pid {os.getpid()}"):
        Lock(tmp_path)
    first.release()
    Lock(tmp_path).release()


def test_lock_falls_with_its_process(tmp_path):
    program = (
        "import os, sys, pathlib; from console.folders import Lock; "
        "Lock(pathlib.Path(sys.argv[1])); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    Lock(tmp_path).release()


def test_latch_holds_across_processes_and_is_lifted(tmp_path):
    latch = KillLatch(tmp_path)
    assert not latch.engaged()
    latch.write("operator, Zürich")
    other = KillLatch(tmp_path)
    assert (other.engaged(), other.reason()) == (True, "operator, Zürich")
    other.write("")
    assert (latch.engaged(), latch.reason()) == (False, "")
    assert mode_of(tmp_path / "latch") == 0o600


def test_latch_can_be_written_where_no_file_can_grow(tmp_path):
    latch = KillLatch(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (KillLatch.SIZE, hard))
    try:
        latch.write("the disk is full")
        latch.sync()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert latch.engaged()
