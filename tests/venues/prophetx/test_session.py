"""One session: refreshed before it ends, renewed once however many ask, never logged in on every error."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import asynccontextmanager
from email.utils import formatdate

import pytest
from aiohttp import web

from console.core.events import RejectReason
from console.keys import Secret
from console.venues.base.lane import Lane
from console.venues.base.protocol import Refused, Unanswered
from console.venues.prophetx.session import CROWDED_S, LIFE_S, Session

from .samples import example

NOW = 1_795_204_800.0  # 20 minutes before the token of the example ends


class Door:
    """A venue's door: counts who comes in, and says what it is told to."""

    def __init__(self):
        self.logins, self.refreshes, self.calls = [], [], []
        self.login = (200, example("auth_login_response"))
        self.refresh = (200, example("auth_refresh_response"))
        self.vanishes = False
        self.refused = set()  # tokens that are not good any more

    async def answer(self, request):
        body = json.loads(await request.text() or "null")
        if request.path == "/auth/login":
            self.logins.append(body)
            status, said = self.login
        elif request.path == "/auth/refresh":
            self.refreshes.append(body)
            status, said = self.refresh
        else:
            token = request.headers.get("Authorization", "").removeprefix("Bearer ")
            self.calls.append(token)
            status, said = (401, {"error": "unauthorized"}) if token in self.refused else (200, {"data": 1})
            said = None if self.vanishes else said
        if said is None:
            request.transport.abort()
            return web.Response()
        headers = {"Date": formatdate(self.clock(), usegmt=True)}
        return web.json_response(said, status=status, headers=headers)


class Clock:
    now = NOW

    def __call__(self):
        return self.now


@asynccontextmanager
async def session(door, kept=None, clock=None):
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", door.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    lane = Lane(base)
    await lane.open()
    door.clock = clock = clock or Clock()
    keys = Secret("A", "EXAMPLE_ACCESS_KEY"), Secret("S", "EXAMPLE_SECRET_KEY")
    try:
        yield Session(lane, "base", *keys, kept, clock)
    finally:
        await lane.close()
        await runner.cleanup()


def told(story):
    return asyncio.run(story())


def test_it_logs_in_once_and_sends_what_is_documented():
    async def story():
        door = Door()
        async with session(door) as one:
            for _ in range(3):
                assert (await one.send("GET", "/x")).status == 200
        assert door.logins == [example("auth_login_request")]
        assert door.calls == ["EXAMPLE.ACCESS.TOKEN"] * 3

    told(story)


def test_it_refreshes_a_minute_before_the_stated_end():
    async def story():
        door, clock = Door(), Clock()
        async with session(door, clock=clock) as one:
            await one.send("GET", "/x")
            clock.now = 1_795_206_000 - 61
            await one.send("GET", "/x")
            assert door.refreshes == []
            clock.now = 1_795_206_000 - 59
            await one.send("GET", "/x")
        assert door.refreshes == [example("auth_refresh_request")]
        assert door.calls[-1] == "EXAMPLE.ACCESS.TOKEN.2"
        assert len(door.logins) == 1

    told(story)


def test_ten_who_are_refused_at_once_renew_it_once():
    async def story():
        door = Door()
        async with session(door) as one:
            await one.send("GET", "/x")
            door.refused.add("EXAMPLE.ACCESS.TOKEN")
            replies = await asyncio.gather(*(one.send("POST", "/x", b"{}") for _ in range(10)))
            assert [reply.status for reply in replies] == [200] * 10
        assert (len(door.logins), len(door.refreshes)) == (1, 1)

    told(story)


def test_a_refresh_that_is_refused_leads_to_one_login():
    async def story():
        door = Door()
        async with session(door) as one:
            await one.send("GET", "/x")
            door.refused.add("EXAMPLE.ACCESS.TOKEN")
            door.refresh = (401, {"error": "unauthorized"})
            login = example("auth_login_response")
            login["data"]["access_token"] = "FRESH"
            door.login = (200, login)
            assert (await one.send("GET", "/x")).status == 200
        assert (len(door.logins), len(door.refreshes)) == (2, 1)

    told(story)


def test_tokens_that_are_never_good_do_not_use_up_the_sessions():
    async def story():
        door, clock = Door(), Clock()
        async with session(door, clock=clock) as one:
            await one.send("GET", "/x")
            for number in range(40):
                login = example("auth_login_response")
                login["data"]["access_token"] = f"L{number}"
                door.login = (200, login)
                door.refused |= {"EXAMPLE.ACCESS.TOKEN", "EXAMPLE.ACCESS.TOKEN.2", f"L{number}"}
                assert (await one.send("GET", "/x")).status == 401
        assert len(door.logins) == 2

    told(story)


def test_too_many_sessions_are_waited_out():
    async def story():
        door, clock = Door(), Clock()
        door.login = (403, example("errors")[1]["body"])
        async with session(door, clock=clock) as one:
            for _ in range(20):
                with pytest.raises(Refused) as refused:
                    await one.send("POST", "/x", b"{}")
            assert refused.value.reason is RejectReason.NOT_CONNECTED
            assert "too many sessions" in str(refused.value)
            assert len(door.logins) == 1
            clock.now += CROWDED_S + 1
            door.login = (200, example("auth_login_response"))
            assert (await one.send("GET", "/x")).status == 200
        assert len(door.logins) == 2

    told(story)


@pytest.mark.parametrize("answer", [(500, {"error": "internal_error"}), (200, None), (200, {"data": {}})])
def test_a_broken_door_is_knocked_at_with_pauses(answer):
    async def story():
        door = Door()
        door.login = answer
        async with session(door) as one:
            for _ in range(10):
                with pytest.raises(Refused):
                    await one.send("POST", "/x", b"{}")
        assert len(door.logins) == 1
        assert door.calls == []

    told(story)


def test_a_refresh_that_fails_for_the_moment_is_no_reason_to_log_in():
    async def story():
        door, clock = Door(), Clock()
        async with session(door, clock=clock) as one:
            await one.send("GET", "/x")
            clock.now = 1_795_206_000 - 30
            door.refresh = (503, {"error": "unavailable"})
            with pytest.raises(Refused):
                await one.send("GET", "/x")
            clock.now += 61
            door.refresh = (200, example("auth_refresh_response"))
            assert (await one.send("GET", "/x")).status == 200
        assert (len(door.logins), len(door.refreshes)) == (1, 2)

    told(story)


@pytest.mark.parametrize(
    ("stated", "life"),
    [
        (int(NOW) + 1200, 1200),
        ((int(NOW) + 1200) * 1000, 1200),
        ((int(NOW) + 1200) * 10**9, 1200),
        (1200, 1200),
        (None, LIFE_S),
    ],
)
def test_the_end_is_read_however_it_is_written(stated, life):
    async def story():
        door, clock = Door(), Clock()
        door.login[1]["data"]["access_expire_time"] = stated
        async with session(door, clock=clock) as one:
            await one.send("GET", "/x")
            clock.now = NOW + life - 62
            await one.send("GET", "/x")
            assert door.refreshes == []
            clock.now = NOW + life - 58
            await one.send("GET", "/x")
            assert len(door.refreshes) == 1

    told(story)


def test_a_session_outlives_the_process_in_a_file_of_ours_alone(tmp_path):
    async def story():
        door, kept = Door(), tmp_path / "prophetx.session"
        async with session(door, kept) as one:
            await one.send("GET", "/x")
        assert os.stat(kept).st_mode & 0o777 == 0o600
        text = kept.read_text()
        assert "EXAMPLE_ACCESS_KEY" not in text
        assert "EXAMPLE_SECRET_KEY" not in text
        async with session(door, kept) as later:
            await later.send("GET", "/x")
            assert later.logins == 0
        assert len(door.logins) == 1
        kept.write_text("rubbish")
        async with session(door, kept) as fresh:
            await fresh.send("GET", "/x")
        assert len(door.logins) == 2

    told(story)


def test_a_place_without_an_answer_is_not_sent_again():
    async def story():
        door = Door()
        async with session(door) as one:
            await one.send("GET", "/x")

            door.vanishes = True
            with pytest.raises(Unanswered):
                await one.send("POST", "/x", b"{}")
        assert len(door.calls) == 2

    told(story)


def test_a_short_life_is_refreshed_after_two_thirds_and_not_with_every_request():
    async def story():
        door, clock = Door(), Clock()
        for answer in (door.login, door.refresh):
            answer[1]["data"]["access_expire_time"] = int(NOW + 30)
        async with session(door, clock=clock) as one:
            for second in range(20):
                clock.now = NOW + second
                await one.send("GET", "/x")
            assert door.refreshes == []
            clock.now = NOW + 21
            await one.send("GET", "/x")
            assert len(door.refreshes) == 1

    told(story)


def test_a_session_renewed_by_another_process_is_not_renewed_again(tmp_path):
    async def story():
        door, kept = Door(), tmp_path / "prophetx.session"
        async with session(door, kept) as one:
            await one.send("GET", "/x")
            async with session(door, kept) as other:
                await other.send("GET", "/x")
                old = door.calls[-1]
                door.refused.add(old)  # the venue knows one token of a session: the youngest
                await other.send("GET", "/x")
                assert len(door.refreshes) == 1
                await one.send("GET", "/x")
            assert (len(door.refreshes), len(door.logins)) == (1, 1)

    told(story)
