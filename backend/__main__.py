"""``python -m backend``: the command line of the backend."""

import argparse
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from backend.errors import BackendError
from backend.server import console
from backend.server.server import AlreadyRunning, ServeOptions, Server
from revision_blender.motion.errors import RevisionError
from revision_blender.wire import paths
from revision_blender.wire.connection import LOOPBACK, ConnectionInfo
from revision_blender.wire.launch import EXIT_ALREADY_RUNNING

# rooms with commands of their own: a module with ``add_subcommand(subparsers)``
PLUGGED = (
    "backend.bodies.cli",
    "backend.lift_cli",
    "backend.motion_cli",
    "backend.model_cli",
    "backend.training.cli",
    "backend.evaluation.cli",
)


def _serve(arguments: argparse.Namespace) -> int:
    server = Server(ServeOptions(arguments.home, arguments.idle_minutes, arguments.host, arguments.port, arguments.test_stages))
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda _number, _frame: server.stop())
    try:
        server.run(_say_ready)
    except AlreadyRunning as error:
        print(error, file=sys.stderr)
        return EXIT_ALREADY_RUNNING
    return 0


def _say_ready(info: ConnectionInfo) -> None:
    print(f"The backend {info.version} is ready (process {info.pid}); {info.file} says how to talk to it.", flush=True)


def _parser(wanted: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m backend", description="The generation backend of ReVision for Blender.")
    commands = parser.add_subparsers(dest="command", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--home", type=lambda text: Path(text).absolute(), default=paths.home_folder(), help="home folder (default: %(default)s)"
    )
    machine = argparse.ArgumentParser(add_help=False)
    machine.add_argument("--json", action="store_true", help="print JSON")

    serve = commands.add_parser("serve", parents=[common], help="run the backend in this terminal")
    serve.add_argument(
        "--idle-minutes", type=float, default=30.0, help="end after that long without work, 0 for never (default: %(default)s)"
    )
    serve.add_argument("--host", default=LOOPBACK, help="only %(default)s is possible")
    serve.add_argument("--port", type=int, default=0, help="first of three ports in a row (default: any free ones)")
    serve.add_argument("--test-stages", type=Path, help="a Python file with stages for the project's own tests")
    serve.set_defaults(run=_serve)
    for name, run, words in (
        ("status", console.status, "say whether a backend runs, and what it is doing"),
        ("stop", console.stop, "end the running backend; unfinished jobs go on at its next start"),
        ("doctor", console.doctor, "say what is installed and what each engine can do here"),
    ):
        commands.add_parser(name, parents=[common, machine], help=words).set_defaults(run=run)
    jobs = commands.add_parser("jobs", parents=[common, machine], help="list the jobs")
    jobs.add_argument("--watch", action="store_true", help="show the running job's progress until nothing is left to do")
    jobs.set_defaults(run=console.jobs)
    if set(wanted) - set(commands.choices):
        _plug_in(commands)  # imports other rooms, so only when the command is none of ours (or help is asked for)
    return parser


def _plug_in(commands: Any) -> None:
    for name in PLUGGED:
        if _is_there(name):
            import_module(name).add_subcommand(commands)


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # the room that it lies in is missing too
        return False


def main(arguments: Sequence[str] | None = None) -> int:
    words = sys.argv[1:] if arguments is None else list(arguments)
    parsed = _parser(words[:1] or ["--help"]).parse_args(words)
    try:
        return int(parsed.run(parsed) or 0)
    except (BackendError, RevisionError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
