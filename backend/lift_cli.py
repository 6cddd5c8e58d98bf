"""``python -m backend lift VIDEO --out clip.npz``: what moves in a video as tracks, without Blender."""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.errors import BackendError
from revision_blender.motion.clip import BodyTrack, Clip, ObjectTrack
from revision_blender.motion.clip_file import save_clip
from revision_blender.motion.subjects import Prompt, prompts_from_json
from revision_blender.motion.whole_file import whole_file
from revision_blender.wire.requests import DecodeRequest, LiftRequest, LiftResult, VideoResult

MAX_PROMPT_BYTES = 1 << 22
WORK_SIDE = 1280
USUAL_FRAMES = 24
_HELP = """\
lift people, and the animals and objects that FILE.json shows, out of a video

--prompts: a list of objects with frame (counted from 0 in the frames that are lifted), kind (person, animal, object), name, and
box [left, top, right, bottom] or clicks [{"x": .., "y": .., "part": "nose"}] in pixels of the video, and perhaps label ("ball").
--json: the report, per track: kind, frames_seen, frames, landmark_error, silhouette_iou, confidence."""


def add_subcommand(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds ``lift``; its ``run`` takes the parsed arguments and returns the exit status."""
    lift = subparsers.add_parser(
        "lift",
        help="people, animals and objects of a video as a clip",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    lift.add_argument("video", type=Path, metavar="VIDEO", help="a file that plays in a video player, or a picture")
    lift.add_argument("--out", type=Path, required=True, metavar="FILE.npz", help="where the clip is written")
    lift.add_argument("--prompts", type=Path, metavar="FILE.json", help="what the user shows of subjects")
    lift.add_argument("--json", metavar="FILE", help="write the report there, - for the terminal")
    lift.add_argument("--start", type=int, default=0, help="first frame (default: %(default)s)")
    lift.add_argument("--frames", type=int, help=f"how many (default: {USUAL_FRAMES}, or what a shorter video has)")
    lift.add_argument("--stride", type=int, default=1, help="every n-th frame (default: %(default)s)")
    lift.add_argument(
        "--focal",
        type=float,
        default=0.0,
        help="focal length in pixels of the video, where it is known; else the file's or one told by the camera's turn",
    )
    lift.add_argument("--no-people", action="store_true", help="lift only what is shown")
    lift.add_argument("--most-people", type=int, default=8, help="at most so many that are not shown (default: %(default)s)")
    lift.add_argument(
        "--provider", action="append", default=[], metavar="KIND=NAME", help="what does a kind of work, as doctor lists it; may be repeated"
    )
    lift.add_argument("--overlay", type=Path, metavar="FILE.mp4", help="also write the video with the tracks drawn over it")
    lift.add_argument("--force", action="store_true", help="replace files that are there")
    lift.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Exit status 0 when a clip was written."""
    _check(arguments)
    prompts = _prompts(arguments.prompts)
    from backend.terminal_bar import bar  # late, with torch behind it: --help and refusals come at once

    with bar() as progress:
        from backend.stages import decode, lift

        try:
            file = np.fromfile(arguments.video, np.uint8)
        except OSError as error:
            raise BackendError(f"{arguments.video} cannot be read ({error.strerror or error}); choose another file.") from error
        video = decode.run(_wanted(file, arguments), progress.part(0.0, 0.05))
        result = lift.run(_request(video, prompts, arguments), progress.part(0.05, 0.97))
        clip = _in_video_pixels(result.clip, video)
        save_clip(arguments.out, clip)
        if arguments.overlay is not None:
            _write_overlay(arguments.overlay, video, result)
    _say(arguments, clip, result)
    return 0


def _check(arguments: argparse.Namespace) -> None:
    if not arguments.video.is_file():
        raise BackendError(f"There is no file {arguments.video}; choose a video.")
    if arguments.out.suffix.lower() != ".npz":
        raise BackendError(f"{arguments.out.name} has to end in .npz; name it so.")
    outputs = [arguments.out, arguments.overlay, Path(arguments.json) if arguments.json not in (None, "-") else None]
    for out in outputs:
        if out is None:
            continue
        if not out.absolute().parent.is_dir():
            raise BackendError(f"There is no folder {out.absolute().parent}; make it first, or choose another place.")
        if out.exists() and not arguments.force:
            raise BackendError(f"{out} is there already; choose another name, or replace it with --force.")


def _prompts(path: Path | None) -> tuple[Prompt, ...]:
    if path is None:
        return ()
    try:
        if path.stat().st_size > MAX_PROMPT_BYTES:
            raise BackendError(f"{path} has {path.stat().st_size} bytes; a list of subjects has at most {MAX_PROMPT_BYTES}.")
        return prompts_from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BackendError(f"{path} cannot be read ({error.strerror or error}); choose another file.") from error
    except UnicodeDecodeError as error:
        raise BackendError(f"{path} is no text ({error.reason}); choose a JSON file with subjects.") from error


def _wanted(file: NDArray[np.uint8], arguments: argparse.Namespace) -> DecodeRequest:
    asked = arguments.frames is not None
    return DecodeRequest(file, arguments.start, arguments.frames if asked else USUAL_FRAMES, arguments.stride, WORK_SIDE, fewer=not asked)


def _request(video: VideoResult, prompts: tuple[Prompt, ...], arguments: argparse.Namespace) -> LiftRequest:
    from backend.lifting.world.working import scaled_prompts

    scale = video.frames.shape[2] / video.report["width"]
    focal = (arguments.focal or video.report.get("focal", 0.0)) * scale
    return LiftRequest(
        video.frames,
        video.fps,
        focal,
        scaled_prompts(prompts, scale),
        not arguments.no_people,
        arguments.most_people,
        tuple(arguments.provider),
    )


def _in_video_pixels(clip: Clip, video: VideoResult) -> Clip:
    return replace(clip, camera=clip.camera.resized(round(video.report["width"]), round(video.report["height"])))


def report_of(clip: Clip, result: LiftResult) -> dict[str, Any]:
    """What ``--json`` writes; numbers that are not known are null."""
    figures = {key: _number(value) for key, value in result.report.items()}
    tracks = [
        {
            "name": track.track_id, "kind": kind_of(track), "frames": clip.n_frames,
            **{name: figures.get(f"{track.track_id}/{name}") for name in ("frames_seen", "landmark_error", "silhouette_iou", "confidence")},
        }
        for track in clip.tracks
    ]  # fmt: skip
    whole = {key: value for key, value in figures.items() if "/" not in key}
    camera = {"width": clip.camera.width, "height": clip.camera.height, "focal": clip.camera.focal, **focal_facts(result)}
    return {
        "tracks": tracks, "frames": clip.n_frames, "fps": clip.fps, "camera": camera, "whole": whole,
        "shots": [int(start) for start in result.shots], "notes": result.notes.splitlines(),
    }  # fmt: skip


def focal_facts(result: LiftResult) -> dict[str, str | float | None]:
    """Where the focal length is from, "given" (by the user or the file), "estimated" or "assumed", and how far it can be wrong as a share of
    it, None where nobody knows."""
    spread = _number(result.report["focal_spread"])
    return {"focal_from": "assumed" if spread is None else "estimated" if spread > 0.0 else "given", "focal_spread": spread}


def kind_of(track: BodyTrack | ObjectTrack) -> str:
    """ "person", "animal" or "object"."""
    if isinstance(track, ObjectTrack):
        return "object"
    return "animal" if track.family == "smal" else "person"


def _number(value: float) -> float | None:
    return round(float(value), 5) if np.isfinite(value) else None


def _write_overlay(path: Path, video: VideoResult, result: LiftResult) -> None:
    from backend.lifting.world.overlay import overlaid
    from backend.video_file import write_video

    write_video(path, overlaid(video.frames, result.clip), video.fps)


def _say(arguments: argparse.Namespace, clip: Clip, result: LiftResult) -> None:
    report = report_of(clip, result)
    if arguments.json == "-":
        print(json.dumps(report))
        return
    if arguments.json is not None:
        with whole_file(Path(arguments.json)) as file:
            file.write(json.dumps(report, indent=1).encode("utf-8"))
    print(f"wrote {arguments.out}: {clip.n_frames} frames at {clip.fps:g} frames a second, {len(clip.tracks)} tracks")
    if report["camera"]["focal_from"] == "assumed":
        print(f"  focal length: {clip.camera.focal:.0f} pixels are assumed, the picture's diagonal; say yours with --focal")
    for track in report["tracks"]:
        print(f"  {track['name']}: {track['kind']}, {_words(track)}")
    for note in report["notes"]:
        print(f"  {note}", file=sys.stderr)


def _words(track: dict[str, Any]) -> str:
    words = [f"seen on {track['frames_seen']:.0f} of {track['frames']} frames", f"confidence {track['confidence']:.2f}"]
    words += [f"silhouette {track['silhouette_iou']:.2f}"] if track["silhouette_iou"] is not None else []
    words += [f"landmarks off by {100 * track['landmark_error']:.1f} % of the height"] if track["landmark_error"] is not None else []
    return ", ".join(words)
