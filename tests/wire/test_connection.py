"""The connection file: private, whole, and refused when it is not."""

import os
import stat
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revision_blender.wire import paths, protocol
from revision_blender.wire.ask import is_live
from revision_blender.wire.connection import (
    LOOPBACK,
    ConnectionInfo,
    check_version,
    new_key,
    read_connection,
    remove_connection,
    write_connection,
)
from revision_blender.wire.errors import WireError

posix = pytest.mark.skipif(os.name == "nt", reason="Windows keeps a user's folder private by other means")


def _info(path=None):
    return ConnectionInfo(LOOPBACK, 40001, 40002, 40003, new_key(), 1234, protocol.PROTOCOL, protocol.VERSION, "abc", "start", path)


def test_it_comes_back(tmp_path):
    path = tmp_path / "deep" / "connection.json"
    write_connection(path, _info())
    found = read_connection(path)
    assert found is not None and found.file == path and len(found.secret) == 32
    write_connection(path, found)
    assert read_connection(path) == found and [file.name for file in path.parent.iterdir()] == ["connection.json"]


def test_no_file_is_no_connection(tmp_path):
    assert read_connection(tmp_path / "connection.json") is None


@posix
def test_only_the_owner_may_read_it(tmp_path):
    path = tmp_path / "connection.json"
    write_connection(path, _info())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for mode in (0o640, 0o604, 0o620):
        path.chmod(mode)
        with pytest.raises(WireError, match="read by other users"):
            read_connection(path)


@given(st.binary(max_size=60))
def test_random_bytes_are_refused_with_a_sentence(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("home") / "connection.json"
    path.write_bytes(data)
    path.chmod(0o600)
    with pytest.raises(WireError, match="damaged"):
        read_connection(path)


@pytest.mark.parametrize(
    "change", [{"host": "10.0.0.1"}, {"key": "00"}, {"key": "zz" * 32}, {"request_port": 0}, {"pid": "1"}, {"event_port": 70000}]
)
def test_odd_values_are_refused(tmp_path, change):
    write_connection(tmp_path / "c.json", replace(_info(), **change))
    with pytest.raises(WireError, match="damaged"):
        read_connection(tmp_path / "c.json")


def test_another_protocol_is_said_in_a_sentence():
    with pytest.raises(WireError, match="Press Stop and then Start"):
        check_version(replace(_info(), protocol=protocol.PROTOCOL + 1))


def test_a_server_removes_its_own_file_only(tmp_path):
    path = tmp_path / "c.json"
    write_connection(path, _info())
    remove_connection(path, "another start")
    assert path.exists()
    remove_connection(path, "start")
    assert not path.exists()


def test_a_closed_port_is_no_live_backend():
    assert not is_live(replace(_info(), control_port=1))


def test_the_home_can_be_chosen(monkeypatch, tmp_path):
    monkeypatch.setenv("REVISION_HOME", str(tmp_path))
    assert paths.home_folder() == tmp_path and paths.connection_file(tmp_path).parent == tmp_path
    monkeypatch.delenv("REVISION_HOME")
    assert paths.home_folder().name == "revision-blender"
