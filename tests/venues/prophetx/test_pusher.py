"""The push client over real sockets: the handshake, pings, refusals, and what dies with a socket."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import serve

from console.core.events import RejectReason
from console.venues.base.backoff import Backoff
from console.venues.base.protocol import Refused
from console.venues.prophetx.neutral import Channel, ConnectionConfig, Registration, SignIn
from console.venues.prophetx.pusher import Pusher, refusal_pause_s, signature

from .rig import until
from .samples import example


class Service:
    """A push service that says what it is told to, and a venue that lets sockets in."""

    def __init__(self):
        self.sockets = []
        self.heard = []  # every frame, with the number of its socket
        self.paths = []
        self.wanted = ["private-1"]
        self.activity_s = 120
        self.greets = self.answers_pings = self.lets_in = True
        self.refuses = None
        self.config_reads = 0
        self.key = "key"
        self.registered = []

    async def settings(self):
        self.config_reads += 1
        return ConnectionConfig(key=self.key, cluster="mt1", ws_host=self.host)

    async def register(self, socket_id):
        self.registered.append(socket_id)
        if self.refuses is not None:
            raise self.refuses
        channels = [
            Channel(channel_name=name, auth=signature("key", "secret", socket_id, name))
            for name in self.wanted
        ]
        person = '{"id":"7"}'
        auth = signature("key", "secret", socket_id, f":user::{person}")
        return Registration(authorized_channel=tuple(channels), authenticated=SignIn(auth, person))

    async def talk(self, socket):
        number = len(self.sockets)
        self.sockets.append(socket)
        self.paths.append(socket.request.path)
        if self.greets:
            opening = {"socket_id": f"{number}.1", "activity_timeout": self.activity_s}
            await self.say(socket, "pusher:connection_established", opening)
        async for text in socket:
            frame = json.loads(text)
            self.heard.append((number, frame["event"], frame.get("data")))
            if frame["event"] == "pusher:signin":
                await self.say(socket, "pusher:signin_success", {})
            if frame["event"] == "pusher:subscribe" and self.lets_in:
                name = frame["data"]["channel"]
                await self.say(socket, "pusher_internal:subscription_succeeded", {}, channel=name)
            if frame["event"] == "pusher:ping" and self.answers_pings:
                await self.say(socket, "pusher:pong", {})

    async def say(self, socket, event, fields, **more):
        await socket.send(json.dumps({"event": event, "data": json.dumps(fields), **more}))

    def of(self, event):
        return [(number, found) for number, name, found in self.heard if name == event]


@asynccontextmanager
async def pushed(**options):
    service = Service()
    service.lost, service.joined, service.frames = [], [], []
    async with serve(service.talk, "127.0.0.1", 0) as server:
        service.host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        client = Pusher(
            service.settings,
            service.register,
            service.frames.append,
            service.joined.append,
            service.lost.append,
            scheme="ws",
            backoff=Backoff(0.01, 0.02),
            **options,
        )
        task = asyncio.create_task(client.run())
        try:
            yield service, client
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def story(work):
    asyncio.run(asyncio.wait_for(work(), 60))


def test_a_socket_signs_in_and_enters_its_channels_with_their_signatures():
    async def work():
        async with pushed() as (service, client):
            service.wanted = ["private-1", "private-2"]
            await until(lambda: service.joined)
            assert service.paths == ["/app/key?protocol=7&client=mmconsole&version=1"]
            assert [event for _, event, _ in service.heard] == [
                "pusher:signin",
                "pusher:subscribe",
                "pusher:subscribe",
            ]
            assert service.of("pusher:subscribe")[1][1] == {
                "channel": "private-2",
                "auth": signature("key", "secret", "0.1", "private-2"),
            }
            assert [channel.channel_name for channel in client.channels] == ["private-1", "private-2"]

    story(work)


def test_the_frames_we_send_have_the_shape_of_the_examples():
    shown = {f["frame"]["event"]: f["frame"] for f in example("ws_handshake_frames") if f["dir"] == "c>s"}

    async def work():
        async with pushed() as (service, _):
            await until(lambda: service.joined)
            await service.say(service.sockets[0], "pusher:ping", {})
            await until(lambda: service.of("pusher:pong"))
            ours = {event: found for _, event, found in service.heard}
            assert {event: set(found) for event, found in ours.items()} == {
                event: set(frame["data"]) for event, frame in shown.items()
            }

    story(work)


def test_a_silent_server_is_pinged_and_given_up_when_it_does_not_answer():
    async def work():
        async with pushed(pong_s=0.3) as (service, _):
            service.activity_s = 1
            await until(lambda: len(service.of("pusher:ping")) >= 2)
            assert len(service.sockets) == 1  # it answered
            service.answers_pings = False
            await until(lambda: len(service.sockets) >= 2)
            assert "silent for" in service.lost[0]

    story(work)


def test_another_socket_is_registered_and_signed_anew():
    async def work():
        async with pushed() as (service, client):
            await until(lambda: service.joined)
            await service.sockets[0].close()
            await until(lambda: len(service.joined) == 2)
            assert service.registered == ["0.1", "1.1"]
            (_, first), (_, second) = service.of("pusher:subscribe")
            assert first["channel"] == second["channel"]
            assert first["auth"] != second["auth"]
            assert len(service.of("pusher:signin")) == 2
            assert [c.channel_name for c in client.channels] == ["private-1"]

    story(work)


def test_what_is_wanted_later_is_entered_on_the_same_socket_and_what_is_not_is_left():
    async def work():
        async with pushed() as (service, client):
            await until(lambda: service.joined)
            service.wanted = ["private-2"]
            client.register_again()
            await until(lambda: len(service.joined) == 2)
            assert service.registered == ["0.1", "0.1"]
            assert service.of("pusher:unsubscribe") == [(0, {"channel": "private-1"})]
            assert len(service.of("pusher:signin")) == 1
            assert [c.channel_name for c in client.channels] == ["private-2"]

    story(work)


@pytest.mark.parametrize(
    ("code", "pause_s"), [(4001, 60.0), (4099, 60.0), (4100, 1.0), (4200, 0.0), (4201, 0.0), (None, 0.0)]
)
def test_an_error_says_by_its_hundred_when_to_come_back(code, pause_s):
    assert refusal_pause_s(code) == pause_s


def test_an_error_ends_the_socket_and_another_is_made():
    async def work():
        async with pushed() as (service, _):
            await until(lambda: service.joined)
            trouble = {"code": 4200, "message": "Please reconnect immediately"}
            await service.say(service.sockets[0], "pusher:error", trouble)
            await until(lambda: len(service.joined) == 2)
            assert service.lost == ["push error 4200: Please reconnect immediately"]

    story(work)


def test_a_registration_that_is_refused_is_tried_again_on_another_socket():
    async def work():
        async with pushed() as (service, _):
            service.refuses = Refused(RejectReason.OTHER, "HTTP 403 no")
            await until(lambda: service.lost)
            assert service.lost[0] == "registration: HTTP 403 no"
            service.refuses = None
            await until(lambda: service.joined)
            assert len(set(service.registered)) == len(service.registered) >= 2

    story(work)


def test_a_channel_that_does_not_let_us_in_is_not_waited_for_for_ever():
    async def work():
        async with pushed(handshake_s=0.3) as (service, _):
            service.lets_in = False
            await until(lambda: len(service.sockets) >= 2)
            assert service.lost[0] == "registration: no answer in time"
            assert service.joined == []

    story(work)


def test_a_service_that_moved_is_found_by_reading_its_address_again(monkeypatch):
    async def work():
        async with pushed() as (service, _):
            await until(lambda: service.joined)
            reads = service.config_reads
            await until(lambda: service.config_reads > reads)
            assert len(service.sockets) == 1  # the same address: nothing happens
            service.key = "another"
            await until(lambda: len(service.sockets) == 2)
            assert service.paths[1].startswith("/app/another?")
            assert service.lost == ["the push service moved"]

    monkeypatch.setattr("console.venues.prophetx.pusher.CONFIG_S", 0.3)
    story(work)


def test_frames_of_channels_are_passed_on_and_nonsense_ends_the_socket():
    async def work():
        async with pushed() as (service, _):
            await until(lambda: service.joined)
            await service.say(service.sockets[0], "market_selections", {"a": 1}, channel="private-1")
            await until(lambda: service.frames)
            assert (service.frames[0].event, service.frames[0].channel) == ("market_selections", "private-1")
            await service.sockets[0].send("{nonsense")
            await until(lambda: len(service.joined) == 2)
            assert "push frame" in service.lost[0]

    story(work)
