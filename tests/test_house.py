"""The house rules no reader should have to check by eye."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "console").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
SILENCED_MAX = 10
BROAD_EXCEPTS_MAX = 2
NAMES_FORBIDDEN = {"data", "info", "utils", "helpers", "manager", "service", "handler"}
WORDS_FORBIDDEN = re.compile(
    r"\b(for now|placeholder|not implemented|NotImplementedError|TODO|FIXME|hack)\b", re.I
)


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("mypy", "console"),
        ("lint-imports", "--no-cache"),
    ],
    ids=lambda command: command[0] + " " + command[1],
)
def test_tool_has_nothing_to_say(command):
    done = run(str(Path(sys.executable).parent / command[0]), *command[1:])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", SOURCES + TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_file_is_of_readable_size(path):
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= FILE_LINES_MAX, f"{lines} lines: look for the noun trying to get out"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_functions_are_short_and_names_say_something(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "one sentence saying what the module owns"
    assert path.stem not in NAMES_FORBIDDEN
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= FUNCTION_LINES_MAX, f"{node.name}: {length} lines"


def test_no_word_confesses_unfinished_work():
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in SOURCES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if WORDS_FORBIDDEN.search(line)
    ]
    assert not found, "\n".join(found)


def test_silenced_checks_stay_rare():
    silenced = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if "noqa" in line or "type: ignore" in line
    ]
    assert len(silenced) <= SILENCED_MAX, silenced


def test_broad_excepts_stand_only_where_they_keep_the_process_alive():
    broad = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"except (Exception|BaseException)|except:|suppress\(Exception", line)
    ]
    assert len(broad) <= BROAD_EXCEPTS_MAX, broad


def test_core_decides_without_knowing_the_mode():
    words = re.compile(r"\b(dry_run|is_paper|paper_mode|backtest)\b")
    found = [
        str(p)
        for p in (ROOT / "console" / "core").rglob("*.py")
        if words.search(p.read_text(encoding="utf-8"))
    ]
    assert not found


def test_core_loads_neither_loop_nor_screen():
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in SOURCES
        if path.is_relative_to(ROOT / "console" / "core") and path.stem != "__init__"
    ]
    program = (
        f"import sys\nfor m in {modules!r}: __import__(m)\n"
        "print('asyncio' in sys.modules, 'textual' in sys.modules)"
    )
    done = run(sys.executable, "-c", program)
    assert done.stdout.split() == ["False", "False"], done.stdout + done.stderr


def test_repository_stands_alone():
    shared, library = "/".join(["", "shared"]), "." + "library"
    names = (shared, library, "farm-" + "studio", "farm-" + "bench", "/work" + "/main")
    tracked = run("git", "ls-files", "--cached", "--others", "--exclude-standard").stdout.split()
    for name in tracked:
        path = ROOT / name
        if path.is_file() and path.suffix in {".py", ".md", ".toml", ".txt", ".json", ""}:
            text = path.read_text(encoding="utf-8", errors="replace")
            assert not any(word in text for word in names), name
