"""Alerts leave by the webhook: soon, in order, again until taken, without secrets, and never in the way."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from console.alerts import QUEUE_MAX, Webhook
from console.core.commands import Severity
from console.keys import Secret

SECRET = "canary-4f1e"


class Receiver:
    """A local server that takes posts, or answers with the statuses it is told to."""

    def __init__(self, *statuses):
        self.bodies = []
        self.statuses = list(statuses)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = outer.statuses.pop(0) if outer.statuses else 200
                if status == 200:
                    outer.bodies.append(json.loads(body))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_port}/hook/{SECRET}"

    def texts(self, count, seconds=10):
        until = time.monotonic() + seconds
        while len(self.bodies) < count and time.monotonic() < until:
            time.sleep(0.01)
        return [body["text"] for body in self.bodies]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()


def hook(address, said=None, post=None, least=Severity.WARN):
    said = [] if said is None else said
    return Webhook(Secret("ALERT_WEBHOOK_URL", address), "live/main", least, said.append, post)


def test_an_alert_arrives_within_five_seconds_and_says_where_it_comes_from(receiver):
    webhook = hook(receiver.address)
    begin = time.monotonic()
    webhook.tell(Severity.ERROR, "KILLED by operator: 12 orders were out")
    assert receiver.texts(1) == ["mmconsole live/main: ERROR KILLED by operator: 12 orders were out"]
    assert time.monotonic() - begin < 5
    webhook.close()


def test_what_is_not_severe_enough_stays_here(receiver):
    webhook = hook(receiver.address)
    webhook.tell(Severity.INFO, "settled")
    webhook.tell(Severity.WARN, "kalshi down")
    webhook.close()
    assert receiver.texts(1) == ["mmconsole live/main: WARN kalshi down"]


def test_it_is_sent_again_until_it_is_taken_and_in_order(receiver):
    receiver.statuses = [500, 429]
    said = []
    webhook = hook(receiver.address, said)
    webhook.tell(Severity.WARN, "one")
    webhook.tell(Severity.WARN, "two\nin two lines")
    assert [text.removeprefix("mmconsole live/main: ") for text in receiver.texts(2)] == [
        "WARN one",
        "WARN two in two lines",
    ]
    webhook.close()
    assert said == [
        "WARN alerts: the webhook does not take them: HTTP status 500",
        "alerts: the webhook answers again",
    ]


def test_a_refusal_for_good_is_said_once_and_not_repeated(receiver):
    receiver.statuses = [404]
    said = []
    webhook = hook(receiver.address, said)
    webhook.tell(Severity.WARN, "one")
    webhook.close()
    assert said == ["WARN alerts: the webhook does not take them: refused with HTTP status 404"]
    assert receiver.bodies == []


def test_a_dead_network_holds_nothing_up_and_loses_only_the_oldest():
    asked = threading.Event()
    free = threading.Event()
    taken = []

    def post(_, body):
        asked.set()
        if not free.wait(30):
            raise AssertionError("the test forgot it")
        taken.append(json.loads(body)["text"])
        return 200

    webhook = hook("http://127.0.0.1:9/x", post=post)
    webhook.tell(Severity.WARN, "first")
    assert asked.wait(5)
    begin = time.monotonic()
    for number in range(QUEUE_MAX + 10):
        webhook.tell(Severity.WARN, f"alert {number}")
    assert time.monotonic() - begin < 0.5
    free.set()
    webhook.close(10)
    assert len(taken) == QUEUE_MAX + 1
    assert "(10 older alerts were not delivered)" in taken[1]
    assert taken[-1].endswith(f"alert {QUEUE_MAX + 9}")


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.InvalidURL])
def test_the_address_is_a_secret_also_when_it_cannot_be_reached(error, receiver):
    said = []

    def post(address, _):
        if not said:
            raise error(f"cannot reach {address}")
        return 200

    webhook = hook(receiver.address, said, post)
    webhook.tell(Severity.ERROR, "breach")
    webhook.close()
    assert said
    assert SECRET not in " ".join(said)


def test_closing_waits_for_the_last_words_but_not_for_ever():
    webhook = hook("http://127.0.0.1:1/nobody")
    webhook.tell(Severity.ERROR, "the engine ended with status 70")
    begin = time.monotonic()
    webhook.close(0.5)
    assert time.monotonic() - begin < 3
