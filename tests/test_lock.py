"""C31: what a release installs is pinned by hash, and is what the program asks for."""

import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PINNED = re.compile(
    r"^([a-z0-9-]+)==([^ ;]+)(?: ;[^\\]*)? *\\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.M
)


def pins():
    text = (ROOT / "requirements.lock").read_text()
    found = {name: (version, hashes.count("--hash")) for name, version, hashes in PINNED.findall(text)}
    named = re.findall(r"^[a-z].*$", text, re.M)
    assert len(named) == len(found), "a line of the lock has no hash"
    return found


def test_every_package_is_pinned_with_hashes_and_comes_from_nowhere_in_particular():
    assert all(count >= 1 for _, count in pins().values())
    options = re.findall(r"^--?[a-z-]+.*$", (ROOT / "requirements.lock").read_text(), re.M)
    assert options == []  # no index or folder of whoever wrote it


def test_whatever_the_program_needs_is_in_it_and_fits():
    """Its own dependencies, and theirs in turn."""
    found = pins()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [(Requirement(text), "") for text in project["dependencies"]]
    met = {("setuptools", "")}  # which builds it, and needs nothing itself
    while wanted:
        need, extra = wanted.pop()
        name = re.sub(r"[-_.]+", "-", need.name).lower()
        if need.marker is not None and not need.marker.evaluate({"extra": extra}):
            continue
        assert name in found, f"{need} is not in the lock"
        assert need.specifier.contains(found[name][0], prereleases=True), f"{need}: {found[name][0]}"
        for asked in {"", *need.extras} - {known for other, known in met if other == name}:
            met.add((name, asked))
            wanted += [(Requirement(text), asked) for text in distribution(name).requires or ()]
    assert set(found) <= {name for name, _ in met}, "the lock holds what nobody asks for"
