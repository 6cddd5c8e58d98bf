"""``python -m backend model ...``: the video model from a terminal."""

import argparse
import json
import sys

from revision_blender.video_model.names import BUNDLED, PUBLISHED
from revision_blender.video_model.published import gigabytes, licence_words
from revision_blender.video_model.state import ModelState, state_of

_HELP = f"""\
The video model of the engine svd is the small one that comes with ReVision ({BUNDLED}), a repository of the model hub
(such as {PUBLISHED[0]}), or a folder in the layout of diffusers."""


def add_subcommand(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds ``model``; the chosen action's ``run`` takes the parsed arguments and returns the exit status."""
    model = subparsers.add_parser("model", help="video models: what is there, download", description=_HELP)
    actions = model.add_subparsers(dest="action", required=True)
    status = actions.add_parser("status", help="say which models are there, and what to do about those that are not")
    status.add_argument("names", nargs="*", metavar="NAME", help="a hub name or a folder (default: the bundled and the published ones)")
    status.add_argument("--json", action="store_true", help="print JSON")
    status.set_defaults(run=run_status)
    fetch = actions.add_parser("download", help="download a model from the hub; its licence is shown first")
    fetch.add_argument("name", metavar="NAME", help=f"such as {PUBLISHED[0]}")
    fetch.add_argument("--accept-licence", action="store_true", help="you have read the licence and accept it: do not ask")
    fetch.set_defaults(run=run_download)


def run_status(arguments: argparse.Namespace) -> int:
    """Exit status 0 when every model asked for is there; without names: when any is."""
    states = [state_of(name) for name in arguments.names or (BUNDLED, *PUBLISHED)]
    print(json.dumps([_facts(state) for state in states]) if arguments.json else "\n".join(map(state_words, states)))
    enough = all if arguments.names else any
    return 0 if enough(state.found for state in states) else 1


def run_download(arguments: argparse.Namespace) -> int:
    """Asks for the licence where it was not accepted on the command line."""
    from backend.engines.svd.weights.download import check_wanted, download
    from backend.terminal_bar import bar

    accepted = arguments.accept_licence
    check_wanted(arguments.name, True)
    if not accepted:
        print(licence_words(arguments.name))
        if not sys.stdin.isatty():
            print("Give --accept-licence when you have read it.", file=sys.stderr)
            return 1
        accepted = input("Do you accept it? [y/N] ").strip().lower() in {"y", "yes"}
    with bar() as progress:
        done = download(arguments.name, accepted, progress)
    print(f"{arguments.name} ({gigabytes(done.bytes)}) is in {done.folder}")
    return 0


def state_words(state: ModelState) -> str:
    """One line for people: the name, what is the matter, the next step."""
    return f"{state.name}: {state.kind}. {state.words}" + (f" {state.next_step}" if state.next_step else "")


def _facts(state: ModelState) -> dict[str, object]:
    return {
        "name": state.name, "kind": state.kind, "words": state.words, "next_step": state.next_step, "bytes": state.bytes,
        "folder": str(state.folder) if state.folder else None, "conditioned": state.conditioned,
    }  # fmt: skip
