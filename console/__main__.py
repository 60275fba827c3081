"""The `mmconsole` command: parses, builds concrete things, nothing else."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from console.core.complaint import Complaint

if TYPE_CHECKING:
    from console.launch.place import Place

EXIT_USAGE = 2
EXIT_INTERRUPTED = 130  # as a shell has it

Command = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; what a person got wrong is one line and status 2."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    command: Command = arguments.command
    try:
        return command(arguments)
    except Complaint as error:
        print(f"mmconsole: {error}", file=sys.stderr)
        return EXIT_USAGE


def entry() -> None:
    """The console script."""
    try:
        status = main()
    except BrokenPipeError:  # the reader of our output went away: nothing to say and nobody to say it to
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    except KeyboardInterrupt:
        print("mmconsole: interrupted", file=sys.stderr)
        status = EXIT_INTERRUPTED
    sys.exit(status)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mmconsole",
        description="Make markets on sports and prediction exchanges from a terminal. "
        "Without a command: start the engine if none runs, and attach the console to it.",
    )
    _common(parser)
    _screen(parser)
    parser.set_defaults(command=_console)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    _add_running(commands)
    _add_research(commands)
    _add_drill(commands)
    _add_venues(commands)
    return parser


def _add_running(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    run = commands.add_parser("run", help="run the engine without a console")
    _common(run)
    run.add_argument(
        "--headless", action="store_true", help="in the foreground, until stopped; keeps running alone"
    )
    run.add_argument("--paused", action="store_true", help="begin paused, until somebody resumes")
    run.add_argument("--detached", action="store_true", help=argparse.SUPPRESS)
    run.set_defaults(command=_run)

    attach = commands.add_parser("attach", help="attach a console to the engine that runs")
    _common(attach)
    attach.add_argument("--view", action="store_true", help="only look; killing stays possible")
    _screen(attach)
    attach.set_defaults(command=_attach)

    kill = commands.add_parser("kill", help="cancel everything, engage the kill latch, wait for the proof")
    _common(kill)
    kill.add_argument("--replay", action="store_true", help="kill the replay that is playing")
    kill.add_argument("--venue", metavar="VENUE", help="that venue alone; the others go on")
    kill.set_defaults(command=_kill)

    watch = commands.add_parser(
        "watch", help="empty every venue when the engine gives no sign of life; real orders start it"
    )
    _common(watch)
    watch.set_defaults(command=_watch)
    flatten = commands.add_parser(
        "flatten", help="get out of a match by taking liquidity, with or without a running engine"
    )
    _common(flatten)
    flatten.add_argument("match", metavar="MATCH")
    flatten.add_argument("--floor", required=True, metavar="CENTS", help="no contract is sold below it")
    flatten.add_argument("--patience", type=float, default=60.0, metavar="S", help="seconds to wait for it")
    flatten.add_argument(
        "--reduce-only", metavar="REASON", help="lift the kill latch for getting out only; typed on purpose"
    )
    flatten.set_defaults(command=_flatten)


def _add_research(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    theo = commands.add_parser("theo", help="fair probabilities of odds by every method")
    theo.add_argument("odds", nargs="+", metavar="ODDS", help="decimal odds of each outcome, two or more")
    spelling = theo.add_mutually_exclusive_group()
    spelling.add_argument("--american", action="store_true", help="the odds are American: -110 +100")
    spelling.add_argument(
        "--probability", action="store_true", help="the odds are probabilities: 0.52 or 52%%"
    )
    theo.add_argument("--json", action="store_true", help="print JSON")
    theo.set_defaults(command=_theo)

    _add_replay(commands.add_parser("replay", help="make a market on recorded venue frames"))

    simulate = commands.add_parser("simulate", help="test the engine in a seeded world with misfortunes")
    simulate.add_argument("--seed", type=int, default=1, help="first or only seed")
    simulate.add_argument("--seeds", metavar="A..B", help="a range of seeds")
    simulate.add_argument("--events", type=int, default=100_000, help="events for each seed")
    simulate.add_argument("--jobs", type=int, default=1, help="processes for a range of seeds")
    simulate.add_argument(
        "--resume", metavar="FILE", help="keep every seed's report there, and leave out those it has already"
    )
    simulate.add_argument("--shrink", action="store_true", help="make a short story of a seed that fails")
    simulate.add_argument("--calm", action="store_true", help="without misfortunes")
    simulate.add_argument("--json", action="store_true", help="print JSON")
    simulate.set_defaults(command=_simulate)

    verify = commands.add_parser(
        "verify", help="prove a journal: nothing changed, no order above its ceiling"
    )
    verify.add_argument("journal", metavar="JOURNAL")
    verify.add_argument("--json", action="store_true", help="print JSON")
    verify.set_defaults(command=_verify)


def _add_drill(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    drill = commands.add_parser("drill", help="rehearse failures and time them until all is safe")
    drill.add_argument("names", nargs="*", metavar="NAME", help="which; all without, a wrong one lists them")
    drill.add_argument(
        "--short", action="store_true", help="with time-outs as short as a test has patience for"
    )
    drill.add_argument("--json", action="store_true", help="print JSON")
    drill.set_defaults(command=_drill)


def _add_venues(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    doctor = commands.add_parser("doctor", help="check everything that real orders wait for")
    _common(doctor)
    doctor.add_argument("--venue", metavar="VENUE", help="one venue, enabled or not")
    doctor.add_argument("--json", action="store_true", help="print JSON")
    doctor.set_defaults(command=_doctor)

    coverage = commands.add_parser("coverage", help="what the odds feeds cover, and why not the rest")
    _common(coverage)
    coverage.add_argument("--league", metavar="LEAGUE", help="one league, such as nba, epl or atp")
    coverage.add_argument("--json", action="store_true", help="print JSON")
    coverage.set_defaults(command=_coverage)

    sandbox = commands.add_parser("sandbox", help="a local server that speaks the wire of a venue or feed")
    sandbox.add_argument("name", metavar="NAME", help="or several on one world: NAME,NAME")
    sandbox.add_argument("--port", type=int, default=0, help="0: any free port, which is printed")
    sandbox.add_argument("--seed", type=int, default=7, help="of the world it runs on")
    sandbox.add_argument("--faults", default="", metavar="A,B", help="misfortunes; `help` lists them")
    sandbox.add_argument("--recording", default="", metavar="FILE", help="run on a recording instead")
    sandbox.add_argument("--speed", type=float, default=1.0, metavar="X", help="of the recording")
    sandbox.set_defaults(command=_sandbox)


def _add_replay(replay: argparse.ArgumentParser) -> None:
    replay.add_argument("files", nargs="+", metavar="FILE")
    fair = replay.add_mutually_exclusive_group()
    fair.add_argument("--theo", metavar="P", help="fair probability of YES, for example 0.55")
    fair.add_argument("--odds", nargs=2, metavar=("A", "B"), help="sharp odds of YES and NO")
    replay.add_argument(
        "--speed",
        default="",
        metavar="X",
        help="open the console and play at X times recorded time; max or left out: a summary at full speed",
    )
    replay.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a match setting")
    replay.add_argument("--json", action="store_true", help="print a summary as JSON (speed max, no console)")
    replay.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    replay.add_argument("--detached", action="store_true", help=argparse.SUPPRESS)
    replay.set_defaults(command=_replay)


def _screen(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    parser.add_argument(
        "--no-bell", action="store_true", help="never ring: a kill, a limit, an error, a silence"
    )


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", metavar="FILE", default=argparse.SUPPRESS, help="settings file (./markets.toml)"
    )
    parser.add_argument(
        "--mode",
        choices=("sim", "paper", "demo", "live"),
        default=argparse.SUPPRESS,
        help="instead of the mode in the settings; paper needs no key at Polymarket",
    )


# ---- the commands; each imports what it needs, so that `--help` and `theo` start at once


def _console(arguments: argparse.Namespace) -> int:
    from console.launch.screen import open_console

    return open_console(_place(arguments), mouse=not arguments.no_mouse, bell=not arguments.no_bell)


def _attach(arguments: argparse.Namespace) -> int:
    from console.launch.screen import attach

    place = _place(arguments)
    return attach(place, view_only=arguments.view, mouse=not arguments.no_mouse, bell=not arguments.no_bell)


def _run(arguments: argparse.Namespace) -> int:
    from console.launch.engine import run_engine

    if not arguments.headless and not arguments.detached:
        print("mmconsole: run: add --headless, or start `mmconsole` for the console", file=sys.stderr)
        return EXIT_USAGE
    return run_engine(_place(arguments), headless=arguments.headless, paused=arguments.paused)


def _kill(arguments: argparse.Namespace) -> int:
    from console.launch.kill import kill, venue_of
    from console.launch.replay import replay_place

    place = replay_place(None) if arguments.replay else _place(arguments)
    return kill(place, venue_of(arguments.venue))


def _flatten(arguments: argparse.Namespace) -> int:
    from console.launch.flatten import flatten, wish_of

    wish = wish_of(arguments.match, arguments.floor, arguments.patience, arguments.reduce_only)
    return flatten(_place(arguments), wish)


def _watch(arguments: argparse.Namespace) -> int:
    from console.watch import watch

    return watch(_place(arguments))


def _theo(arguments: argparse.Namespace) -> int:
    from console.fair import Spelling, run

    spelling = Spelling.AMERICAN if arguments.american else Spelling.DECIMAL
    if arguments.probability:
        spelling = Spelling.PROBABILITY
    return run(arguments.odds, spelling, as_json=arguments.json)


def _replay(arguments: argparse.Namespace) -> int:
    if arguments.speed in ("", "max") or arguments.json:
        from console.backtest.command import replay

        return replay(
            arguments.files,
            theo=arguments.theo,
            odds=arguments.odds,
            settings=arguments.set,
            as_json=arguments.json,
        )
    from console.launch.replay import Showing, play_engine, show_replay

    showing = Showing(
        files=tuple(arguments.files),
        theo=arguments.theo,
        odds=tuple(arguments.odds or ()),
        speed=arguments.speed,
        settings=tuple(arguments.set),
    )
    return play_engine(showing) if arguments.detached else show_replay(showing, not arguments.no_mouse)


def _simulate(arguments: argparse.Namespace) -> int:
    from console.backtest.command import simulate

    return simulate(
        seed=arguments.seed,
        seeds=arguments.seeds,
        events=arguments.events,
        jobs=arguments.jobs,
        faults=not arguments.calm,
        as_json=arguments.json,
        resume=arguments.resume,
        shrink=arguments.shrink,
    )


def _drill(arguments: argparse.Namespace) -> int:
    from console.drill.command import drill

    return drill(arguments.names, short=arguments.short, as_json=arguments.json)


def _doctor(arguments: argparse.Namespace) -> int:
    from console.launch.doctor import doctor

    return doctor(_place(arguments), arguments.venue, as_json=arguments.json)


def _coverage(arguments: argparse.Namespace) -> int:
    from console.launch.coverage import coverage

    return coverage(_place(arguments), arguments.league, as_json=arguments.json)


def _sandbox(arguments: argparse.Namespace) -> int:
    from console.sandbox.command import Opening, run

    faults = tuple(word.strip() for word in arguments.faults.split(",") if word.strip())
    opening = Opening(arguments.port, arguments.seed, faults, arguments.recording, arguments.speed)
    return run(arguments.name, opening)


def _verify(arguments: argparse.Namespace) -> int:
    from console.verify import run

    return run(arguments.journal, as_json=arguments.json)


def _place(arguments: argparse.Namespace) -> Place:
    from console.launch.place import place_of

    return place_of(getattr(arguments, "config", None), getattr(arguments, "mode", None))


if __name__ == "__main__":
    entry()
