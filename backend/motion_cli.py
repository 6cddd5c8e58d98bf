"""``python -m backend motion ...``: what is in motion files, and one format made into another, without Blender."""

import argparse
import glob
import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from backend.errors import BackendError
from revision_blender.motion.bodies.shelf import BodyShelf
from revision_blender.motion.clip import Clip
from revision_blender.motion.clip_file import save_clip
from revision_blender.motion.clip_resample import clip_at
from revision_blender.motion.errors import RevisionError
from revision_blender.motion.files.amass_out import write_amass
from revision_blender.motion.files.motion_file import MotionFile, MotionSummary, ReadOptions
from revision_blender.motion.files.reading import describe, read_motion
from revision_blender.wire import paths

FORMATS = {"clip": ".npz", "amass": ".npz", "bvh": ".bvh"}
_MANY = 3  # files from which on a bar is shown
_CONVERT_HELP = """\
make one format of another

OUT ends in .npz (a ReVision clip, or with --format amass an AMASS file) or .bvh; with several files IN it is a folder.
AMASS and BVH hold one person: of a file with several, one file a person is written, named OUT_person_1 and so on."""


def add_subcommand(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds ``motion``; the chosen action's ``run`` takes the parsed arguments and returns the exit status."""
    motion = subparsers.add_parser("motion", help="motion files: say what is in them, make one format of another")
    actions = motion.add_subparsers(dest="action", required=True)
    info = actions.add_parser("info", help="say who moves in motion files and for how long")
    info.add_argument("files", nargs="+", metavar="FILE", help="motion file, results folder of TRAM, or a pattern such as 'walks/*.npz'")
    info.add_argument("--json", action="store_true", help="print one line of JSON a file")
    info.set_defaults(run=run_info)
    convert = actions.add_parser(
        "convert", help="make one format of another", description=_CONVERT_HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    convert.add_argument("files", nargs="+", metavar="IN", help="motion file, results folder of TRAM, or a pattern")
    convert.add_argument("out", type=Path, metavar="OUT", help="the file to write, or a folder")
    convert.add_argument("--format", choices=sorted(FORMATS), help="what to write (default: by OUT's ending, a clip for .npz)")
    convert.add_argument("--fps", type=_rate, help="resample to so many frames a second")
    convert.add_argument("--source-fps", type=_rate, help="frames a second of files that do not say (default: 30)")
    convert.add_argument("--person", action="append", help="only this person, as info names them; may be given several times")
    convert.add_argument("--body", default="open_human", help="body that foreign skeletons are brought to (default: %(default)s)")
    convert.add_argument("--clean-contacts", action="store_true", help="hold feet that touch the floor")
    convert.add_argument("--up", choices=("y", "z"), help="which axis of the file points up, where it is not found out rightly")
    convert.add_argument("--size", type=_size, metavar="WxH", help="size of the picture in pixels of files that do not say")
    convert.add_argument("--force", action="store_true", help="replace files that are there")
    convert.add_argument("--json", action="store_true", help="print one line of JSON a file")
    convert.add_argument("--home", type=lambda text: Path(text).absolute(), default=paths.home_folder(), help=argparse.SUPPRESS)
    convert.set_defaults(run=run_convert)


def _rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value <= 10_000.0:
        raise argparse.ArgumentTypeError(f"{text!r} is no rate; give frames a second above 0 and up to 10000")
    return value


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,5})[xX×](\d{1,5})", text)
    if match is None or not (int(match.group(1)) and int(match.group(2))):
        raise argparse.ArgumentTypeError(f"{text!r} is no size; give it as 1280x720")
    return int(match.group(1)), int(match.group(2))


def run_info(arguments: argparse.Namespace) -> int:
    failed = 0
    for path in _inputs(arguments.files):
        with _told(path, arguments.json) as told:
            found = describe(path)
            told.append(found)
            print(json.dumps({"file": str(path), **asdict(found)}) if arguments.json else f"{path}: {_summary_words(found)}")
        failed += not told
    return 1 if failed else 0


def _summary_words(found: MotionSummary) -> str:
    rate = f"at {found.fps:g} frames a second" if found.fps is not None else "(the file names no rate)"
    people = [f"\n  {person.track_id}: {person.n_frames} frames from frame {person.first_frame}" for person in found.people]
    camera = "with camera" if found.camera_given else "no camera"
    return f"{found.format}, {found.n_frames} frames {rate}, {found.family or 'other skeleton'}, {camera}{''.join(people)}"


def run_convert(arguments: argparse.Namespace) -> int:
    inputs = _inputs(arguments.files)
    folder = len(inputs) > 1 or arguments.out.is_dir() or str(arguments.out).endswith(("/", "\\"))
    kind = _format(arguments, folder)
    if not folder and not arguments.out.absolute().parent.is_dir():
        raise BackendError(f"there is no folder {arguments.out.absolute().parent}; make it first, or choose another place")
    outs = {path: arguments.out / f"{_stem(path)}{FORMATS[kind]}" if folder else arguments.out for path in inputs}
    _check_apart(outs)
    if folder:
        arguments.out.mkdir(parents=True, exist_ok=True)
    failed = 0
    for path in _bar(list(outs)):
        out = outs[path]
        with _told(path, arguments.json) as told:
            told.append(_convert(path, out, kind, arguments))
        failed += not told
    return 1 if failed else 0


def _check_apart(outs: dict[Path, Path]) -> None:
    """No two files may be written to one place, and none over the file that it comes from, not even with --force."""
    taken: dict[Path, Path] = {}
    for path, out in outs.items():
        if out.resolve() == path.resolve():
            raise BackendError(f"{out} would replace the file that it is made from; choose another name or folder")
        if taken.setdefault(out, path) != path:
            raise BackendError(f"{path} and {taken[out]} would both be written to {out}; convert them into different folders")


def _format(arguments: argparse.Namespace, folder: bool) -> str:
    ending = arguments.out.suffix.lower()
    if folder:
        return arguments.format or "clip"
    if arguments.format is None and ending in FORMATS.values():
        return "bvh" if ending == ".bvh" else "clip"
    if arguments.format is not None and FORMATS[arguments.format] == ending:
        return arguments.format
    wanted = FORMATS[arguments.format] if arguments.format else ".npz or .bvh"
    raise BackendError(f"{arguments.out.name} has to end in {wanted}; name it so, or choose another --format")


def _convert(path: Path, out: Path, kind: str, arguments: argparse.Namespace) -> list[Path]:
    people = tuple(arguments.person) if arguments.person else None
    options = ReadOptions(
        people=people, fps=arguments.source_fps, body=arguments.body, clean_contacts=arguments.clean_contacts,
        size=arguments.size, up=arguments.up,
    )  # fmt: skip
    shelf = BodyShelf(paths.bodies_folder(arguments.home))
    found = read_motion(path, shelf, options)
    clip = found.clip if arguments.fps is None else clip_at(found.clip, arguments.fps)
    written, notes = _write(clip, out, kind, shelf, arguments.force)
    _say(path, found, clip, written, (*found.notes, *notes), arguments.json)
    return written


def _write(clip: Clip, out: Path, kind: str, shelf: BodyShelf, force: bool) -> tuple[list[Path], tuple[str, ...]]:
    if kind == "clip":
        save_clip(_free(out, force), clip)
        return [out], ()
    if not clip.bodies:
        raise BackendError(f"there is no body to write as {kind}; only a clip can hold objects alone")
    targets = [(track.track_id, _of_person(out, track.track_id) if len(clip.bodies) > 1 else out) for track in clip.bodies]
    for _, target in targets:
        _free(target, force)
    notes: list[str] = []
    for track_id, target in targets:
        notes += _writer(kind)(target, clip, track_id, shelf) or ()
    return [target for _, target in targets], tuple(dict.fromkeys(notes))


def _writer(kind: str) -> Any:
    if kind == "amass":
        return write_amass
    from revision_blender.motion.files.bvh_out import write_bvh

    return write_bvh


def _of_person(out: Path, track_id: str) -> Path:
    return out.with_name(f"{out.stem}_{re.sub(r'[^A-Za-z0-9]+', '_', track_id).strip('_') or 'person'}{out.suffix}")


def _free(out: Path, force: bool) -> Path:
    if out.exists() and not force:
        raise BackendError(f"{out} is there already; choose another name, or replace it with --force")
    return out


def _say(path: Path, found: MotionFile, clip: Clip, written: Sequence[Path], notes: tuple[str, ...], as_json: bool) -> None:
    if as_json:
        facts = {
            "file": str(path), "written": [str(target) for target in written], "format": found.format, "fps": clip.fps,
            "n_frames": clip.n_frames, "people": [track.track_id for track in clip.bodies], "notes": notes,
        }  # fmt: skip
        print(json.dumps(facts))
        return
    for target in written:
        print(f"wrote {target}: {clip.n_frames} frames at {clip.fps:g} frames a second, from {path}")
    for note in notes:
        print(f"  {note}")


def _inputs(given: Sequence[str]) -> list[Path]:
    """The files that were named; a name with * or ? that is no file stands for all that match, in order."""
    found: list[Path] = []
    for text in given:
        path = Path(text)
        if path.exists() or not glob.has_magic(text):
            found.append(path)
            continue
        matching = sorted(Path(name) for name in glob.glob(text, recursive=True))  # noqa: PTH207 -- the pattern may be absolute
        if not matching:
            raise BackendError(f"no file matches {text}; check the folder and the pattern")
        found += matching
    return found


def _stem(path: Path) -> str:
    return path.name if path.is_dir() else path.stem


def _bar(inputs: list[Path]) -> Iterator[Path]:
    if len(inputs) < _MANY:
        yield from inputs
        return
    from tqdm import tqdm

    yield from tqdm(inputs, unit="file", disable=None)  # none where nobody looks: output that goes to a file


@contextmanager
def _told(path: Path, as_json: bool) -> Iterator[list[object]]:
    """Says what goes wrong with one file, so that the others go on; the block appends to the list when it ends well."""
    done: list[object] = []
    try:
        yield done
    except (RevisionError, BackendError) as reason:
        done.clear()
        if as_json:
            print(json.dumps({"file": str(path), "error": str(reason)}))
        print(reason, file=sys.stderr)
