"""Bad input as a user meets it: one clear sentence that says what is wrong and what to do, and nothing changes in the scene.

The buttons of the extension, the wire and a real backend with its real stages. What the server alone has to say is tested in
tests/backend, what a picture is refused for without a backend in test_operators.py too.
"""

import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import bpy
import numpy as np
import pytest
from user_session import PATIENCE, ROOT, Backend, Here, four_bytes, opened, slow_python, strips

PYTHON = os.environ.get("REVISION_PYTHON", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="limits and interpreters of POSIX systems"),
    pytest.mark.skipif(not PYTHON, reason="REVISION_PYTHON names the backend's interpreter"),
]


def sentence(words: str) -> str:
    """``words``, if they are what a user can read: sentences, no traceback."""
    print(f"SENTENCE {words}")
    assert words
    assert words.rstrip().endswith((".", "!"))
    assert "Traceback" not in words
    assert len(words) < 400
    return words


def contents() -> dict[str, list[str]]:
    """Everything that a delivery could have put into the file."""
    kinds = ("objects", "collections", "actions", "meshes", "armatures", "cameras", "images", "movieclips")
    found = {kind: [thing.name for thing in getattr(bpy.data, kind)] for kind in kinds}
    return found | {"strips": strips(), "takes": [take.name for take in bpy.context.scene.revision.takes]}


# Input of the stages, through a backend with its real ones


@pytest.fixture(scope="module")
def real_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("real") / "home"


@pytest.fixture(scope="module", autouse=True)
def _real_backend_ends(extension_name: str, real_home: Path) -> Iterator[None]:
    import importlib

    yield
    Backend(real_home, lambda path: importlib.import_module(f"{extension_name}.{path}")).end()


@pytest.fixture
def real(real_home: Path, scene, room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    monkeypatch.setenv("REVISION_HOME", str(real_home))
    monkeypatch.setenv("REVISION_PYTHON", PYTHON)
    with opened(room, tmp_path / "none", tmp_path / "scene.blend") as current:
        yield current


def failed(here: Here, operator: str) -> str:
    """Presses the button, waits for the job to fail, and returns why; the scene must be as before."""
    before = contents()
    getattr(bpy.ops.revision, operator)()
    ticket = list(here.session.tickets.values())[-1]
    here.until(lambda: ticket.ended)
    assert ticket.status == "FAILED"
    assert bpy.context.scene.revision.job_of(ticket.job_id).message == ticket.message
    assert contents() == before
    return sentence(ticket.message)


def test_nobody_is_in_the_picture(real: Here, room, tmp_path: Path) -> None:
    gradient = np.broadcast_to(np.linspace(0, 255, 96, dtype=np.uint8)[None, :, None], (128, 96, 3))
    room("revision_blender.wire.png").write_png(tmp_path / "gradient.png", np.ascontiguousarray(gradient))
    bpy.context.scene.revision.picture = str(tmp_path / "gradient.png")
    assert "No person was found" in failed(real, "generate_coarse")


@pytest.mark.parametrize(("name", "content", "words"), [("noise.mp4", None, "cannot be read as a video"), ("empty.mp4", b"", "is empty")])
def test_footage_that_is_no_video(real: Here, tmp_path: Path, name: str, content: bytes | None, words: str) -> None:
    (tmp_path / name).write_bytes(np.random.default_rng(0).bytes(20_000) if content is None else content)
    bpy.context.scene.revision.footage = str(tmp_path / name)
    assert words in failed(real, "load_footage")


def test_a_video_without_pictures(real: Here, tmp_path: Path) -> None:
    make = "import av,sys,numpy as np\nc=av.open(sys.argv[1],'w')\ns=c.add_stream('aac',rate=8000)\nf=av.AudioFrame.from_ndarray(np.zeros((1,1024),np.float32),'fltp','mono')\nf.sample_rate=8000\nc.mux(s.encode(f));c.mux(s.encode());c.close()"
    subprocess.run([PYTHON, "-c", make, str(tmp_path / "sound.mp4")], check=True, timeout=PATIENCE, capture_output=True)
    bpy.context.scene.revision.footage = str(tmp_path / "sound.mp4")
    assert "no picture track" in failed(real, "load_footage")


# Pictures that are refused before anything is sent


def _jpeg_head(side: int) -> bytes:
    size = side.to_bytes(2, "big")
    return (
        b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xc0\x00\x11\x08"
        + size * 2
        + b"\x03"
        + bytes(9)
        + b"\xff\xd9"
    )


def _bmp_head(side: int) -> bytes:
    size = side.to_bytes(4, "little")
    return b"BM" + bytes(12) + (40).to_bytes(4, "little") + size * 2 + b"\x01\x00\x18\x00" + bytes(24)


def _tiff_head(side: int) -> bytes:
    entries = b"".join(tag.to_bytes(2, "little") + b"\x04\x00\x01\x00\x00\x00" + side.to_bytes(4, "little") for tag in (256, 257))
    return b"II*\x00\x08\x00\x00\x00\x02\x00" + entries + bytes(4)


HUGE = {"huge.jpg": _jpeg_head(20_000), "huge.bmp": _bmp_head(20_000), "huge.tif": _tiff_head(20_000)}


@pytest.mark.parametrize("name", HUGE)
def test_a_huge_picture_is_refused_by_its_head(scene, room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / name).write_bytes(HUGE[name])
    bpy.context.scene.revision.picture = str(tmp_path / name)
    monkeypatch.setattr(room("operators.session").current(), "why_no_backend", lambda: "")
    before = contents()
    with pytest.raises(RuntimeError, match="20000 x 20000 pixels") as caught:
        bpy.ops.revision.generate_coarse()
    sentence(str(caught.value))
    assert contents() == before
    assert len(scene.revision.jobs) == 0


# Backends that are not what they should be


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REVISION_PYTHON", str(slow_python(tmp_path)))
    monkeypatch.setenv("REVISION_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def backend(home: Path, room) -> Iterator[Backend]:
    running = Backend(home, room)
    yield running
    running.end()


@pytest.fixture
def here(home: Path, scene, room, tmp_path: Path) -> Iterator[Here]:
    with opened(room, four_bytes(tmp_path), tmp_path / "scene.blend") as current:
        yield current


def _edit(file: Path, **values: object) -> None:
    """Writes other values into the connection file, as a whole, readable by the owner only."""
    new = file.with_name("edited.json")
    new.write_text(json.dumps(json.loads(file.read_text()) | values))
    new.chmod(0o600)
    new.replace(file)


def _detach(here: Here) -> None:
    """As a Blender that was just opened: without a connection."""
    here.session.link.close()
    here.session.link.__init__()
    here.session.tickets.clear()


def test_a_backend_of_another_version_that_is_at_work(here: Here, backend: Backend) -> None:
    ticket = here.press(400)
    here.until_running(ticket)
    _detach(here)
    _edit(backend.home / "connection.json", source="0123456789abcdef", version="0.0.9")
    before = contents()
    bpy.ops.revision.start_backend()
    here.until(lambda: here.session.link.state.name == "FAILED")
    words = sentence(here.session.link.why)
    assert "another version (0.0.9" in words
    assert "cancel" in words
    assert contents() == before


def test_a_backend_of_another_version_that_is_idle_gives_way(here: Here, backend: Backend) -> None:
    here.until_ended(here.press(1))
    _detach(here)
    before = backend.info.start_id
    _edit(backend.home / "connection.json", source="0123456789abcdef", version="0.0.9")
    bpy.ops.revision.start_backend()
    here.until(lambda: here.session.link.state.name == "RUNNING")
    assert backend.info.start_id != before
    here.until_ended(here.press(1))


def test_a_backend_that_speaks_another_protocol(here: Here, backend: Backend) -> None:
    here.until_ended(here.press(1))
    _edit(backend.home / "connection.json", protocol=99)
    os.kill(backend.info.pid, 0)
    here.session.link.client.close()
    info = backend.info
    here.session.link.client = type(here.session.link.client)(info)
    here.until(lambda: here.session.link.state.name == "SILENT")
    assert "version 99" in sentence(here.session.link.why)


def _nonsense(server: socket.socket) -> None:
    """A program that took the port: answers everything with random bytes."""
    draw = np.random.default_rng(0)
    while True:
        try:
            stream, _address = server.accept()
        except OSError:
            return
        with stream:
            stream.settimeout(0.2)
            for _ in range(5):
                try:
                    stream.sendall(draw.bytes(500))
                    stream.recv(500)
                except OSError:
                    break


def test_a_stale_connection_file_whose_port_another_program_has(here: Here, backend: Backend) -> None:
    """Random bytes and signatures that are not ours are no answer: a backend is started and the job is done."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_nonsense, args=(server,), daemon=True).start()
        port = server.getsockname()[1]
        here.until_ended(here.press(1))
        old = json.loads((backend.home / "connection.json").read_text())
        backend.kill_server()
        _detach(here)
        stale = backend.home / "connection.json"
        stale.touch(0o600)
        stale.write_text(json.dumps(old | {"control_port": port, "request_port": port, "event_port": port}))
        following = here.press(1)
        here.until_ended(following)
    assert len(strips()) == 2


def test_a_wrong_key_is_said_and_does_not_end_the_session(here: Here, backend: Backend, room) -> None:
    here.until_ended(here.press(1))
    info, link = backend.info, here.session.link
    kept = (backend.home / "connection.json").read_text()
    link.client.close()
    _edit(backend.home / "connection.json", key="00" * 32)
    forged = room("revision_blender.wire.connection").read_connection(backend.home / "connection.json")
    link.client = type(link.client)(forged)
    here.until(lambda: link.state.name == "SILENT")
    sentence(link.why)
    _edit(backend.home / "connection.json", **json.loads(kept))
    here.until(lambda: link.state.name == "RUNNING")
    assert backend.info.start_id == info.start_id


def test_a_taken_port(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [PYTHON, "-m", "backend", "serve", "--home", str(home), "--port", str(taken.getsockname()[1])]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert run.returncode == 1
    assert "cannot be used" in sentence(run.stderr.strip())
    assert run.stderr.strip().count("\n") == 0


# Disks


def test_a_full_disk_of_the_backend(here: Here, backend: Backend, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    here.until_ended(here.press(1))
    resource.prlimit(backend.info.pid, resource.RLIMIT_FSIZE, (1 << 20, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    here.footage = tmp_path / "long.mp4"
    here.footage.write_bytes(bytes(3 << 20))
    before = contents()
    ticket = here.press(1)
    here.until_ended(ticket, "FAILED")
    words = sentence(ticket.message)
    assert "is full" in words
    assert "again" in words
    assert contents() == before


def test_a_results_folder_that_cannot_be_written(here: Here, backend: Backend, tmp_path: Path) -> None:
    (tmp_path / "revision_results").write_text("a file where the folder should be")
    before = contents()
    ticket = here.press(1)
    here.until_ended(ticket, "FAILED")
    assert "cannot be written" in sentence(ticket.message)
    assert contents() == before
    (tmp_path / "revision_results").unlink()
    bpy.ops.revision.fetch_again(job_id=ticket.job_id)
    here.until_ended(ticket)
    assert strips() == ["Footage · dance"]
