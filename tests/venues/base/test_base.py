"""What every client stands on, over real sockets: requests, streams that come back, throttles, clocks."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from websockets.asyncio.server import serve

from console.core.events import RejectReason
from console.venues.base.backoff import Backoff
from console.venues.base.lane import BODY_MAX, Lane, Request
from console.venues.base.protocol import Refused, Unanswered
from console.venues.base.stream import Dead, Stream
from console.venues.base.throttle import Throttle
from console.venues.base.wall import VenueClock, http_date_s


@asynccontextmanager
async def http(answer):
    """A server on loopback that answers with `answer(request)`."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def lane(base, **options):
    opened = Lane(base, **options)
    await opened.open()
    try:
        yield opened
    finally:
        await opened.close()


def run(story):
    asyncio.run(story())


# ---- requests


def test_a_request_arrives_to_the_byte_and_its_reply_comes_back():
    async def story():
        seen = []

        async def answer(request):
            seen.append((request.method, request.raw_path, request.headers["X-Key"], await request.read()))
            return web.Response(status=201, body=b"done", headers={"X-Left": "7"})

        async with http(answer) as base, lane(base) as line:
            reply = await line.send(Request("POST", "/a/b?c=%20d", {"X-Key": "k"}, b'{"p":1}'))
        assert seen == [("POST", "/a/b?c=%20d", "k", b'{"p":1}')]
        assert (reply.status, reply.body, reply.headers["X-Left"]) == (201, b"done", "7")

    run(story)


def test_a_long_answer_comes_whole_and_an_endless_one_proves_nothing():
    async def story():
        async def answer(request):
            return web.Response(body=b"x" * int(request.query["size"]))

        async with http(answer) as base, lane(base) as line:
            assert len((await line.send(Request("GET", "/?size=3000001"))).body) == 3_000_001
            with pytest.raises(Unanswered, match="more than"):
                await line.send(Request("GET", f"/?size={BODY_MAX + 1}"))

    run(story)


def test_an_error_status_is_a_reply():
    async def story():
        async def answer(_):
            return web.Response(status=429, text="slow down")

        async with http(answer) as base, lane(base) as line:
            assert (await line.send(Request("GET", "/"))).status == 429

    run(story)


def test_nobody_there_is_refused_for_certain():
    async def story():
        async with lane("http://127.0.0.1:9") as line:
            with pytest.raises(Refused) as refused:
                await line.send(Request("POST", "/secret?apiKey=canary"))
        assert refused.value.reason is RejectReason.NOT_CONNECTED
        assert "canary" not in str(refused.value)

    run(story)


@pytest.mark.parametrize("how", ["silent", "cut"])
def test_no_answer_proves_nothing(how):
    async def story():
        async def answer(request):
            if how == "silent":
                await asyncio.sleep(5)
            request.transport.abort()
            return web.Response()

        async with http(answer) as base, lane(base, timeout_s=0.2) as line:
            with pytest.raises(Unanswered) as unanswered:
                await line.send(Request("POST", "/?apiKey=canary"))
        assert "canary" not in str(unanswered.value)

    run(story)


def test_a_redirect_is_not_followed():
    async def story():
        async def answer(_):
            return web.Response(status=301, headers={"Location": "/elsewhere"})

        async with http(answer) as base, lane(base) as line:
            assert (await line.send(Request("DELETE", "/orders/"))).status == 301

    run(story)


# ---- streams


class Listener:
    """A stream and what it told."""

    def __init__(self, address, **options):
        self.frames, self.ends, self.opens = [], [], 0
        self.stream = Stream(
            lambda: address,
            self.headers,
            self.opened,
            self.took,
            self.ends.append,
            backoff=Backoff(0.01, 0.05),
            **options,
        )

    async def headers(self):
        return {"X-Sign": str(self.opens)}

    async def opened(self, line):
        self.opens += 1
        await line.send("subscribe")

    def took(self, frame):
        if frame == "poison":
            raise Dead("poisoned")
        self.frames.append(frame)


@asynccontextmanager
async def listening(handler, **options):
    async with serve(handler, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        listener = Listener(f"ws://127.0.0.1:{port}/", **options)
        task = asyncio.create_task(listener.stream.run())
        try:
            yield listener
        finally:
            task.cancel()


async def until(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.005)


def test_a_stream_subscribes_and_brings_frames():
    async def story():
        async def handler(line):
            await line.send(f"hello {await line.recv()} {line.request.headers['X-Sign']}")
            await line.wait_closed()

        async with listening(handler) as listener:
            await until(lambda: listener.frames)
            assert listener.frames == ["hello subscribe 0"]

    run(story)


def test_a_broken_stream_comes_back_and_says_why_it_broke():
    async def story():
        async def handler(line):
            await line.recv()
            await line.send("one")
            await line.close(1011, "engine restart")

        async with listening(handler) as listener:
            await until(lambda: listener.opens >= 3)
            assert listener.frames[:2] == ["one", "one"]
            assert "1011" in listener.ends[0]

    run(story)


def test_silence_is_death_even_when_pings_are_answered():
    async def story():
        async def handler(line):
            await line.wait_closed()

        async with listening(handler, silence_s=0.1, ping_s=0.02) as listener:
            await until(lambda: listener.opens >= 2)
            assert listener.ends[0] == "silent for 0.1 s"

    run(story)


def test_whoever_reads_may_give_the_connection_up():
    async def story():
        async def handler(line):
            await line.send("poison")
            await line.wait_closed()

        async with listening(handler) as listener:
            await until(lambda: listener.opens >= 2)
            assert listener.ends[0] == "poisoned"

    run(story)


def test_nobody_there_is_told_and_tried_again():
    async def story():
        listener = Listener("ws://127.0.0.1:9/?apiKey=canary")
        task = asyncio.create_task(listener.stream.run())
        await until(lambda: len(listener.ends) >= 2)
        assert not any("canary" in why for why in listener.ends)
        with pytest.raises(Dead):
            await listener.stream.send("x")
        task.cancel()

    run(story)


def test_dropped_it_reconnects():
    async def story():
        async def handler(line):
            await line.wait_closed()

        async with listening(handler) as listener:
            await until(lambda: listener.opens == 1)
            listener.stream.drop()
            await until(lambda: listener.opens == 2)

    run(story)


# ---- pace and time


def test_back_off_doubles_to_a_bound_and_begins_again():
    backoff = Backoff(1.0, 10.0, chance=lambda: 1.0)
    assert [backoff.next_s() for _ in range(5)] == [1.0, 2.0, 4.0, 8.0, 10.0]
    backoff.worked()
    assert backoff.next_s() == 1.0
    assert 0.1 <= Backoff(1.0, chance=lambda: 0.0).next_s() < 0.11


def test_a_throttle_makes_the_caller_wait_no_longer_than_needed():
    async def story():
        throttle = Throttle(per_s=100.0, burst=10.0)
        began = time.monotonic()
        for _ in range(20):
            await throttle.take()
        assert 0.08 <= time.monotonic() - began < 1.0
        throttle.empty()
        began = time.monotonic()
        await throttle.take(5)
        assert time.monotonic() - began >= 0.04
        throttle.configure(1000.0, 1.0)
        await throttle.take(50)  # more than fits: waits for a full bucket, not for ever

    run(story)


def test_the_venues_clock_is_ours_and_an_offset():
    clock = VenueClock()
    assert abs(clock.now_ms() - time.time() * 1000) < 50
    clock.measure(theirs_s=1010.0, sent_s=1000.0, received_s=1000.2)
    assert clock.offset_s == pytest.approx(9.9)
    clock.measure(theirs_s=1010.1, sent_s=1000.0, received_s=1000.2)
    assert clock.offset_s == pytest.approx(9.92)
    clock.measure(theirs_s=4600.0, sent_s=1000.0, received_s=1000.2)  # our clock was set
    assert clock.offset_s == pytest.approx(3599.9)
    assert clock.round_trip_s == pytest.approx(0.2)


def test_an_http_date_is_read_and_anything_else_is_none():
    assert http_date_s("Fri, 20 Nov 2026 12:00:00 GMT") == 1_795_176_000.0
    assert http_date_s("yesterday") is None
