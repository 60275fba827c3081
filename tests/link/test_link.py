"""The socket between engine and console, with both ends real."""

import asyncio
import os
import socket
import stat
import struct
import threading
import time

import pytest

from console.core.events import Kill, OnConsoleLost, Pause
from console.link.client import LinkError
from console.link.messages import PROTOCOL, Bye, Heartbeat, Hello, Refused, Role, Watch
from console.link.wire import frame, read_to_console
from tests.link.host import line, until


def story(steps):
    asyncio.run(steps())


def test_views_come_four_times_a_second_and_acks_at_once():
    async def steps():
        async with line() as made, made.client() as client:
            await until(lambda: client.view is not None)
            assert (await client.operate(Pause())).ok
            assert made.host.operated == [Pause()]
            assert (await client.ask("symbols")).error == "asked symbols"
            assert "nothing to be dry" in (await client.set_dry_run(False)).text
            client.send(Watch(match="m"))
            await asyncio.sleep(0.05)

    story(steps)


def test_socket_is_the_owners_alone():
    async def steps():
        async with line() as made:
            assert stat.S_IMODE(os.stat(made.path).st_mode) == 0o600

    story(steps)


def test_other_protocol_is_refused_in_one_line():
    async def steps():
        async with line() as made:
            reader, writer = await asyncio.open_unix_connection(made.path)
            writer.write(frame(Hello(protocol=PROTOCOL + 1, role=Role.VIEW, pid=1)))
            refused = await read_to_console(reader)
            assert isinstance(refused, Refused)
            assert "use the same version" in refused.why
            writer.close()

    story(steps)


@pytest.mark.parametrize(
    "rubbish",
    [b"GET / HTTP/1.1\r\n\r\n", struct.pack(">I", 1 << 31), struct.pack(">I", 5) + b"abcde", b"\x00"],
    ids=["http", "huge", "not msgpack", "cut short"],
)
def test_rubbish_ends_its_own_connection_only(rubbish):
    async def steps():
        async with line() as made, made.client() as client:
            reader, writer = await asyncio.open_unix_connection(made.path)
            writer.write(rubbish)
            writer.write_eof()
            assert await asyncio.wait_for(reader.read(), 8) == b""
            assert (await client.operate(Pause())).ok

    story(steps)


def test_console_that_does_not_read_costs_the_others_nothing():
    async def steps():
        async with line() as made, made.client() as client:
            stalled = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            stalled.connect(os.fspath(made.path))
            stalled.sendall(frame(Hello(protocol=PROTOCOL, role=Role.VIEW, pid=1)))
            views = [client.view]
            end = time.monotonic() + 2
            while time.monotonic() < end:
                if client.view is not views[-1]:
                    views.append(client.view)
                await asyncio.sleep(0.02)
            assert len(views) >= 5
            stalled.close()

    story(steps)


def test_console_reattaches_by_itself():
    async def steps():
        async with line() as made, made.client() as client:
            await made.stop()
            await until(lambda: client.closed)
            assert "ended" in client.closed
            assert not (await client.operate(Pause())).ok
            await made.start()
            await until(lambda: not client.closed)
            assert (await client.operate(Pause())).ok

    story(steps)


def test_no_engine_is_said_in_one_line(tmp_path):
    from console.link.client import LinkClient

    with pytest.raises(LinkError, match="no engine answers"):
        asyncio.run(LinkClient(tmp_path / "s", Role.VIEW, ()).attach())


# ---- who controls


def test_control_passes_on_when_its_holder_leaves():
    async def steps():
        async with line() as made:
            async with made.client() as first:
                assert first.welcome.role is Role.CONTROL
                async with made.client() as second:
                    assert second.welcome.role is Role.VIEW
            await asyncio.sleep(0.05)
            async with made.client() as third:
                assert third.welcome.role is Role.CONTROL

    story(steps)


def test_lost_console_is_noticed_once_and_its_return_too():
    async def steps():
        async with line(lost_after_s=0.5) as made:
            async with made.client() as client:
                client.send(Heartbeat(terminal_age_ms=0))
                await until(lambda: made.host.back == 1)
            await until(lambda: made.host.gone == [None])
            await asyncio.sleep(0.8)
            assert made.host.gone == [None]
            async with made.client():
                await until(lambda: made.host.back == 2)

    story(steps)


def test_console_that_never_was_cannot_be_lost():
    async def steps():
        async with line(lost_after_s=0.3) as made:
            async with made.client(Role.VIEW):
                await asyncio.sleep(1)
            assert made.host.gone == []

    story(steps)


def test_leaving_on_purpose_says_what_shall_happen():
    async def steps():
        async with line() as made, made.client() as client:
            client.send(Heartbeat(terminal_age_ms=0))
            await until(lambda: made.host.back == 1)
            client.send(Bye(policy=OnConsoleLost.KEEP))
            await until(lambda: made.host.gone == [OnConsoleLost.KEEP])

    story(steps)


# ---- kill


def test_kill_needs_neither_loop_nor_screen_of_the_console():
    async def steps():
        async with line() as made, made.client() as client:
            killed = threading.Thread(target=client.kill)
            killed.start()
            killed.join()
            await until(lambda: made.host.operated == [Kill(by="console")], 1)

    story(steps)


def test_viewer_may_kill():
    async def steps():
        async with line() as made, made.client(Role.VIEW) as client:
            client.kill()
            await until(lambda: made.host.operated == [Kill(by="console")], 1)

    story(steps)


def test_kill_without_an_answer_becomes_a_process(tmp_path):
    proof = tmp_path / "killed"

    async def steps():
        async with line() as made, made.client(kill_command=("touch", str(proof))) as client:
            await made.stop()
            client.kill()
            await until(proof.exists)
            await made.start()

    story(steps)


def test_last_view_says_how_it_ended():
    async def steps():
        async with line() as made, made.client() as client:
            await until(lambda: client.view is not None)
            made.host.engine.state.stopping = "the test is over"  # within a quarter of a second of the end
            await made.stop()
            await until(lambda: client.closed)
            assert client.view.stopping == "the test is over"

    story(steps)


def test_a_question_that_takes_its_time_holds_up_nothing_else():
    async def steps():
        async with line(lost_after_s=0.5) as made, made.client() as client:
            made.host.patience = asyncio.Event()
            slow = asyncio.create_task(client.ask("symbols", "slow"))
            beats = asyncio.create_task(_beat(client))
            await asyncio.sleep(0.8)
            assert (await client.operate(Pause())).ok
            assert made.host.gone == []
            made.host.patience.set()
            assert (await slow).error == "asked symbols"
            beats.cancel()

    story(steps)


def test_a_question_that_breaks_is_answered_with_the_reason():
    async def steps():
        async with line() as made, made.client() as client:
            made.host.broken = RuntimeError("no such luck")
            assert "no such luck" in (await client.ask("symbols")).error
            assert (await client.operate(Pause())).ok

    story(steps)


def test_a_line_that_breaks_in_an_unforeseen_way_is_lost_not_silent():
    async def steps():
        async with line() as made, made.client() as client:
            await until(lambda: client.view is not None)

            def broken(message):
                raise ZeroDivisionError("nobody thought of it")

            client._take = broken
            await until(lambda: client.closed)
            assert "nobody thought of it" in client.closed
            assert not (await client.operate(Pause())).ok

    story(steps)


async def _beat(client):
    while True:
        client.send(Heartbeat(terminal_age_ms=0))
        await asyncio.sleep(0.1)
