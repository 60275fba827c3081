"""C31: canaries as secrets, and every artefact of a session and of a crash searched for them."""

import asyncio
import signal
import socket
import stat
import subprocess
import sys
import zlib

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from console.config.read import load
from console.core.events import Kill
from console.launch.engine import run_once
from console.runner.clock import SystemClock
from console.runner.runner import EXIT_CRASHED, Beginning
from tests.runner.process import EngineProcess, mode_of, run, seen
from tests.runner.test_runner import Watched

CANARIES = {
    name: f"canary-{number}-c0ffee5ee5"
    for number, name in enumerate(
        (
            "KALSHI_KEY_ID",
            "POLY_PRIVATE_KEY",
            "POLY_API_KEY",
            "POLY_API_SECRET",
            "POLY_PASSPHRASE",
            "PROPHETX_ACCESS_KEY",
            "PROPHETX_SECRET_KEY",
            "ODDS_API_KEY",
            "ODDSPAPI_KEY",
            "SPORTSGAMEODDS_KEY",
        )
    )
}

CANARY = [b"c0ffee5ee5"]  # in each of them


def with_secrets(folder):
    """All secrets in a `.env` beside the settings, and a key file; returns both, and the canaries in them."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "key.pem"
    path.write_bytes(pem)
    path.chmod(0o600)
    lines = [f"{name}={value}" for name, value in CANARIES.items()]
    env = folder / ".env"
    env.write_text("\n".join([*lines, f"KALSHI_PRIVATE_KEY_PATH={path}"]))
    env.chmod(0o600)
    return {env, path}, [*CANARY, *pem.splitlines()[1:-1]]


def assert_nowhere(folder, but, canaries, *texts):
    """No canary in any file below the folder, nor in the texts."""
    found = {"what was said": "\n".join(texts).encode()}
    for path in folder.rglob("*"):
        if path not in but and stat.S_ISREG(path.lstat().st_mode):
            body = path.read_bytes()
            found[path] = zlib.decompressobj(31).decompress(body) if path.suffix == ".gz" else body
    assert len(found) > 1
    for place, body in found.items():
        assert not [canary for canary in canaries if canary in body], place


def closed_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_a_session_its_commands_and_its_end_show_no_secret(places, tmp_path):
    """Venues and feeds that cannot be reached: every error message had the chance to say too much."""
    at = f"127.0.0.1:{closed_port()}"
    config = tmp_path / "markets.toml"
    config.write_text(
        "[engine]\nmode = 'demo'\n"
        f"[venues.kalshi]\nenabled = true\nrest = 'http://{at}/x'\nstream = 'ws://{at}/x'\n"
        f"[venues.prophetx]\nenabled = true\nrest = 'http://{at}'\n"
        f"[feeds.the_odds_api]\nenabled = true\naddress = 'http://{at}'\n"
    )
    files, canaries = with_secrets(tmp_path)
    command = [sys.executable, "-m", "console"]
    flags = ["--config", str(config)]
    engine = subprocess.Popen(
        [*command, "run", "--headless", *flags], env=places, cwd=tmp_path, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    said = []
    try:
        done = run(places, "doctor", *flags, cwd=tmp_path)
        said += [done.stdout, done.stderr]
        assert done.returncode == 1, done.stderr  # unreachable, and not: badly asked for
        with open(f"/proc/{engine.pid}/cmdline") as argv, open(f"/proc/{engine.pid}/comm") as name:
            said += [argv.read(), name.read()]
        heard = ""
        while "venue down" not in heard and "down:" not in heard:  # it has tried the venues with its keys
            line = engine.stdout.readline()
            assert line, heard
            heard += line
        engine.send_signal(signal.SIGTERM)
        said.append(heard + engine.communicate(timeout=40)[0])
    finally:
        engine.kill()
    assert "Traceback" not in "".join(said)
    assert_nowhere(tmp_path, files, canaries, *said)


def test_an_engine_process_shows_no_secret_in_life_and_death(places, tmp_path):
    process = EngineProcess({**places, **CANARIES}, "--headless")
    try:

        async def story():
            async with process.client() as client:
                view = await seen(client, lambda v: v.orders_open >= 4)
                assert b"c0ffee5ee5" not in msgspec.json.encode(view)
                assert (await client.operate(Kill(by="test"))).ok
                assert mode_of(process.socket) == 0o600
                assert mode_of(process.socket.parent) & 0o077 == 0

        asyncio.run(story())
        with open(f"/proc/{process.process.pid}/cmdline", "rb") as words:
            assert b"c0ffee5ee5" not in words.read()
        process.signal(signal.SIGABRT)  # as bad an end as there is
        process.wait()
        for path in process.folder.rglob("*"):
            if path.is_file() and path != process.output:  # which this test made
                assert mode_of(path) & 0o077 == 0, f"{path} may be read by others"
        checked = run({**places, **CANARIES}, "verify", str(process.journals()[-1]))
        assert_nowhere(tmp_path, set(), CANARY, process.said(), checked.stdout, checked.stderr)
    finally:
        process.end()


class Talkative(Watched):
    """Breaks with a secret in its words, as a library might that names the address it asked."""

    async def run(self, put):
        self.world = asyncio.create_task(self.inner.run(put))
        await asyncio.sleep(0.5)
        raise RuntimeError(f"GET /v4/odds?apiKey={CANARIES['ODDS_API_KEY']} failed")


def test_the_traceback_of_a_crash_shows_no_secret(places, tmp_path, capsys, monkeypatch):
    (tmp_path / "markets.toml").write_text("[profiles.top_of_book]\nwarm_up_s = 0\n")
    files, canaries = with_secrets(tmp_path)
    config = load(tmp_path / "markets.toml", places)
    source = Talkative()
    called = []
    beginning = Beginning(
        "r1", tmp_path, tmp_path / "journal", tmp_path / "s", b"", [], True,
        alarm=lambda severity, text: called.append(text),
    )  # fmt: skip
    status, _ = run_once(config, beginning, source, SystemClock())
    said = capsys.readouterr()
    assert status == EXIT_CRASHED
    assert "RuntimeError: GET /v4/odds?apiKey=<ODDS_API_KEY> failed" in said.out
    assert_nowhere(tmp_path, files, canaries, said.out, said.err, *called)


def test_a_secret_in_the_environment_is_hidden_as_well():
    from console.keys import Keys

    keys = Keys({"POLY_API_SECRET": "s3cret-enough", "HOME": "/home/me", "API_KEY": "a"}, None)
    assert keys.hide("s3cret-enough at /home/me: a") == "<POLY_API_SECRET> at /home/me: a"
