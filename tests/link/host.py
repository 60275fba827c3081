"""An engine process as far as the link can see one, on a real socket."""

import asyncio
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path

from console.core import picture
from console.core.engine import Engine
from console.core.events import Mode, OnConsoleLost, Started
from console.core.instruments import Venue
from console.core.settings import AccountSettings
from console.link.client import LinkClient
from console.link.messages import Ack, Answer, Role, Welcome
from console.link.server import LinkServer


class Host:
    """Answers everything, and writes down what it was asked."""

    def __init__(self):
        self.operated = []
        self.gone = []
        self.back = 0
        self.broken = None
        self.patience = asyncio.Event()
        self.patience.set()
        self.engine = Engine()
        self.engine.on_event(
            Started(
                run_id="r1", mode=Mode.SIM, account="main", settings=AccountSettings(), venues=(Venue.KALSHI,)
            )
        )

    def view(self, watched):
        return picture.view(self.engine.state, watched)

    def welcome(self, role, note):
        return Welcome(
            role=role,
            mode=Mode.SIM,
            account="main",
            pid=1,
            run_id="r1",
            on_console_lost=OnConsoleLost.STOP,
            console_lost_s=10,
            dry_run=False,
            profiles={},
            note=note,
        )

    def operate(self, event, done, request):
        self.operated.append(event)
        done(Ack(request=request, ok=True))

    async def ask(self, question):
        if self.broken is not None:
            raise self.broken
        await self.patience.wait()
        return Answer(request=question.request, error=f"asked {question.what}")

    async def set_dry_run(self, wanted):
        return Ack(request=wanted.request, ok=False, text="nothing to be dry about")

    def console_gone(self, policy):
        self.gone.append(policy)

    def console_back(self):
        self.back += 1


class Line:
    """A running link server, and clients to it."""

    def __init__(self, lost_after_s):
        self.host = Host()
        self.path = Path(tempfile.mkdtemp(dir="/tmp")) / "s"
        self.lost_after_s = lost_after_s
        self.task = None

    async def start(self):
        ready = asyncio.Event()
        server = LinkServer(self.host, self.path, self.lost_after_s)
        self.task = asyncio.create_task(server.run(ready.set))
        await ready.wait()

    async def stop(self):
        self.task.cancel()
        await asyncio.wait([self.task])

    @asynccontextmanager
    async def client(self, role=Role.CONTROL, kill_command=("true",)):
        client = LinkClient(self.path, role, kill_command)
        await client.attach()
        try:
            yield client
        finally:
            await client.close()


@asynccontextmanager
async def line(lost_after_s=10.0):
    made = Line(lost_after_s)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def until(condition, seconds=5):
    """Wait for a condition with a deadline."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not condition():
        assert loop.time() < end
        await asyncio.sleep(0.01)
