"""``python -m backend body ...``: what can be done with body models from a terminal."""

import argparse
from pathlib import Path

from revision_blender.motion.bodies.body_model import load_body_model, open_human


def add_subcommand(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds ``body``; the chosen action's ``run`` takes the parsed arguments and returns the exit status."""
    body = subparsers.add_parser("body", help="body models: export the bundled one for other tools")
    actions = body.add_subparsers(dest="action", required=True)
    export = actions.add_parser("export", help="write a body model as the .pkl that tools for SMPL read")
    export.add_argument("out", type=Path, help="the .pkl to write")
    export.add_argument("--model", type=Path, default=None, help="a body model .npz of ReVision; the bundled open human where left out")
    export.set_defaults(run=run_export)


def run_export(arguments: argparse.Namespace) -> int:
    from .export import export_smpl_pkl

    model = open_human() if arguments.model is None else load_body_model(arguments.model)
    export_smpl_pkl(model, arguments.out)
    print(f"wrote {arguments.out}: {model.n_vertices} vertices, {model.n_joints} joints, {model.n_betas} shape components")
    return 0
