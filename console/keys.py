"""Secrets: read from the environment, a `.env` file of mode 600 or the keyring, and shown nowhere."""

from __future__ import annotations

import importlib
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from console.core.complaint import Complaint

ENV_FILE = ".env"
SERVICE = "mmconsole"  # in the keyring
HIDDEN_LENGTH_MIN = 6  # what is shorter stands in half of all words
_TELLING = re.compile("KEY|SECRET|PASS|TOKEN|WEBHOOK")  # names of secrets in the environment
PRIVATE = 0o077  # permission bits that nobody but the owner may have


class KeyMissing(Complaint):
    """A secret that is needed and is nowhere; the message names it and where it may be put."""


class KeyFileError(Complaint):
    """A file of secrets that others may read, or that cannot be read."""


class Secret:
    """A secret text: only `reveal` shows it, never repr, str, format, pickle or a traceback."""

    __slots__ = ("__text", "name")

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.__text = text

    def reveal(self) -> str:
        """The text itself, for whoever signs with it."""
        return self.__text

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def __reduce__(self) -> str:
        raise TypeError(f"{self.name} is not for copying")


class Keys:
    """Looks secrets up by name: environment first, then the `.env` file, then the keyring."""

    def __init__(self, environment: Mapping[str, str], env_file: Path | None, prefix: str = "") -> None:
        """`env_file` may be absent; one that others may read is refused at once.

        With a `prefix`, a name that stands with it goes before the bare one: keys of the watchdog's own.
        """
        self.prefix = prefix
        self._environment = environment
        self._file = _read(env_file) if env_file is not None and env_file.exists() else {}

    def find(self, name: str) -> Secret | None:
        """A secret, or None when it is nowhere."""
        if self.prefix:
            own = self._look_up(self.prefix + name)
            if own is not None:
                return own
        return self._look_up(name)

    def _look_up(self, name: str) -> Secret | None:
        text = self._environment.get(name) or self._file.get(name) or _from_keyring(name)
        return Secret(name, text) if text else None

    def hide(self, text: str) -> str:
        """The text without any secret in it, for words that may come from anywhere, such as a traceback's."""
        secrets = {**{n: v for n, v in self._environment.items() if _TELLING.search(n)}, **self._file}
        for name, value in sorted(secrets.items(), key=lambda item: -len(item[1])):
            if len(value) >= HIDDEN_LENGTH_MIN:
                text = text.replace(value, f"<{name}>")
        return text

    def need(self, name: str) -> Secret:
        """A secret; raises KeyMissing."""
        found = self.find(name)
        if found is None:
            raise KeyMissing(
                f"{name} is not set: put it in the environment, in .env (mode 600) or the keyring"
            )
        return found

    def need_file(self, name: str) -> bytes:
        """The private file whose path is kept under `name`; raises KeyMissing and KeyFileError."""
        path = Path(self.need(name).reveal()).expanduser()
        _must_be_private(path)
        try:
            return path.read_bytes()
        except OSError as error:
            raise KeyFileError(f"{name}: {path}: {error.strerror}") from error


def _must_be_private(path: Path) -> None:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}") from error
    if mode & PRIVATE:
        raise KeyFileError(f"{path}: others may read it (mode {mode:o}); chmod 600 {path}")


def _read(path: Path) -> dict[str, str]:
    """NAME=value a line, quotes and `export` allowed, comments after #."""
    _must_be_private(path)
    found: dict[str, str] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFileError(f"{path}: cannot be read") from error
    for number, line in enumerate(lines, 1):
        text = line.strip().removeprefix("export ").strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals or not name.strip().isidentifier():
            raise KeyFileError(f"{path}, line {number}: write NAME=value")
        found[name.strip()] = _unquoted(value.strip())
    return found


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value.partition(" #")[0].rstrip()


def _from_keyring(name: str) -> str | None:
    """What the keyring holds, where the package `keyring` is installed and has a backend."""
    try:
        keyring = importlib.import_module("keyring")
        errors = importlib.import_module("keyring.errors")
    except ImportError:
        return None
    try:
        held = keyring.get_password(SERVICE, name)
    except errors.KeyringError:
        return None
    return str(held) if held else None
