"""``python -m backend body ...``: what can be done with body models from a terminal."""

import argparse
import json
from pathlib import Path

from revision_blender.motion.bodies.body_model import load_body_model
from revision_blender.motion.bodies.shelf import BUNDLED, BodyShelf
from revision_blender.motion.errors import BodyModelError
from revision_blender.wire import paths

_HELP = """\
Three open bodies come with ReVision: open_human (the 24 joints of SMPL), open_human_x (the 55 of SMPL-X: fingers, jaw, eyes,
expressions) and open_quadruped (the 35 of SMAL). Your own downloads of SMPL, SMPL-H, SMPL-X and SMAL are converted once; motion
files that name them are then shown on them."""
_CONVERT_HELP = """\
convert official body files once

Reads SMPL, SMPL-H, SMPL-X and SMAL from .pkl and .npz in every layout of their releases, without running anything that is in
them, and keeps a copy that loads fast in ReVision's home folder. The files themselves stay as they are and are not needed any more.
A body is named after its family and gender, such as smplx_neutral: this is the name that motion files ask for."""
_EXPORT_HELP = """\
write a body in the layout of its family's official files

So that other tools for SMPL, SMPL-X and SMAL can use the open bodies: plain numpy arrays, no chumpy. Most tools want .pkl for SMPL
and SMAL and .npz for SMPL-X. Landmarks of the face are there by number only. The open bodies may be used freely; official
bodies that you converted stay under their own licence."""


def add_subcommand(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds ``body``; the chosen action's ``run`` takes the parsed arguments and returns the exit status."""
    raw = argparse.RawDescriptionHelpFormatter
    body = subparsers.add_parser("body", help="body models: convert official files, list, export", description=_HELP, formatter_class=raw)
    actions = body.add_subparsers(dest="action", required=True)
    home = argparse.ArgumentParser(add_help=False)
    home.add_argument("--home", type=lambda text: Path(text).absolute(), default=paths.home_folder(), help=argparse.SUPPRESS)

    convert = actions.add_parser(
        "convert", parents=[home], help="convert official body files once", description=_CONVERT_HELP, formatter_class=raw
    )
    convert.add_argument("files", nargs="+", type=Path, metavar="FILE", help=".pkl or .npz as downloaded")
    convert.add_argument("--name", help="name of the body, for a single file (default: from family and gender)")
    convert.set_defaults(run=run_convert)

    listing = actions.add_parser("list", parents=[home], help="say which bodies there are")
    listing.add_argument("--json", action="store_true", help="print JSON")
    listing.set_defaults(run=run_list)

    export = actions.add_parser(
        "export", parents=[home], help="write a body as other tools read it", description=_EXPORT_HELP, formatter_class=raw
    )
    export.add_argument("out", type=Path, help="the .pkl or .npz to write")
    export.add_argument(
        "--body", "--model", dest="model", default=BUNDLED[0], help="name of the body, or a body file of ReVision (default: %(default)s)"
    )
    export.set_defaults(run=run_export)


def run_convert(arguments: argparse.Namespace) -> int:
    if arguments.name and len(arguments.files) > 1:
        raise BodyModelError(f"one name ({arguments.name!r}) does not do for {len(arguments.files)} files; convert them one by one")
    shelf = BodyShelf(paths.bodies_folder(arguments.home))
    for path in arguments.files:
        name = shelf.add(path, arguments.name)
        print(f"{path.name} is {name} now: {_line(shelf, name)}")
    return 0


def run_list(arguments: argparse.Namespace) -> int:
    shelf = BodyShelf(paths.bodies_folder(arguments.home))
    rows = [_row(shelf, name) for name in shelf.names()]
    if arguments.json:
        print(json.dumps(rows))
        return 0
    for row in rows:
        print(f"{row['name']:<24}{row['problem']}" if "problem" in row else f"{row['name']:<24}{_line(shelf, str(row['name']))}")
    return 0


def run_export(arguments: argparse.Namespace) -> int:
    from .export import export_body

    shelf = BodyShelf(paths.bodies_folder(arguments.home))
    name = str(arguments.model)
    model = load_body_model(Path(name)) if not shelf.has(name) and name.endswith(".npz") else shelf.load(name)
    export_body(model, arguments.out)
    print(f"wrote {arguments.out}: {model.n_vertices} vertices, {model.n_joints} joints, {model.n_betas} shape components")
    return 0


def _row(shelf: BodyShelf, name: str) -> dict[str, object]:
    """A body's facts for people and machines; a damaged file is a row too."""
    try:
        model = shelf.load(name)
    except BodyModelError as reason:
        return {"name": name, "problem": str(reason)}
    row: dict[str, object] = {"name": name, "family": model.family, "bundled": name in BUNDLED, "vertices": model.n_vertices}
    return {**row, "joints": model.n_joints, "betas": model.n_betas, "expressions": model.n_expressions, "hands": model.hands is not None}


def _line(shelf: BodyShelf, name: str) -> str:
    row = _row(shelf, name)
    words = f"{row['family']}, {row['vertices']} vertices, {row['joints']} joints, {row['betas']} shape components"
    return (
        words + (f", {row['expressions']} expressions" if row["expressions"] else "") + (", comes with ReVision" if row["bundled"] else "")
    )
