"""``python -m backend body``: conversion, listing, and exports that the other tools' reader takes."""

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

from backend.bodies.cli import add_subcommand
from backend.bodies.export import export_body
from backend.errors import InputError
from revision_blender.motion.bodies.body_file import save_body_model
from revision_blender.motion.bodies.body_model import identity_of, open_human, vertices_of
from revision_blender.motion.bodies.official import read_official_body
from revision_blender.motion.bodies.shelf import BUNDLED, BodyShelf
from revision_blender.motion.errors import BodyModelError
from revision_blender.motion.rotation import matrix_from_axis_angle
from tests.motion.body_layouts import random_body, write_npz_layout, write_pickle

try:
    from backend.bodies import smplx_reference
except ImportError:
    smplx_reference = None
SHELF = BodyShelf(None)


def run(*words: object) -> int:
    parser = argparse.ArgumentParser()
    add_subcommand(parser.add_subparsers())
    arguments = parser.parse_args([str(word) for word in words])
    return arguments.run(arguments)


def test_converting_listing_and_exporting(tmp_path, capsys):
    male = write_pickle(tmp_path / "basicmodel_m_lbs_10_207_0_v1.1.0.pkl", random_body("smpl"))
    hands = write_npz_layout(tmp_path / "SMPLH_FEMALE.npz", random_body("smplh", betas=16, hands=True))
    assert run("body", "convert", male, hands, "--home", tmp_path / "home") == 0
    said = capsys.readouterr().out
    assert "is smpl_male now" in said
    assert "is smplh_female now: smplh, 120 vertices, 52 joints, 16 shape components" in said
    assert run("body", "list", "--json", "--home", tmp_path / "home") == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(rows) == {*SHELF.names(), "smpl_male", "smplh_female"}
    assert rows["smplh_female"]["hands"]
    assert run("body", "list", "--home", tmp_path / "home") == 0
    assert "comes with ReVision" in capsys.readouterr().out
    assert run("body", "export", tmp_path / "again.npz", "--model", "smplh_female", "--home", tmp_path / "home") == 0
    assert np.allclose(read_official_body(tmp_path / "again.npz").posedirs, read_official_body(hands).posedirs)


def test_a_damaged_body_is_listed_with_what_is_wrong(tmp_path, capsys):
    folder = tmp_path / "bodies"
    folder.mkdir()
    (folder / "broken.npz").write_bytes(b"PK")
    assert run("body", "list", "--home", tmp_path) == 0
    assert "broken" in capsys.readouterr().out


def test_one_name_for_several_files_is_refused(tmp_path):
    with pytest.raises(BodyModelError, match="one by one"):
        run("body", "convert", "a.pkl", "b.pkl", "--name", "x", "--home", tmp_path)


def test_a_file_of_ours_can_be_exported_by_its_path(tmp_path, capsys):
    save_body_model(tmp_path / "mine.npz", random_body("smal", vertices=50), {}, exact=True)
    assert run("body", "export", tmp_path / "out.pkl", "--model", tmp_path / "mine.npz", "--home", tmp_path) == 0
    assert "50 vertices, 35 joints" in capsys.readouterr().out
    assert read_official_body(tmp_path / "out.pkl").family == "smal"
    with pytest.raises(BodyModelError, match="no body model 'nobody'"):
        run("body", "export", tmp_path / "out.pkl", "--model", "nobody", "--home", tmp_path)


@pytest.mark.parametrize("ending", ["pkl", "npz"])
@pytest.mark.parametrize("name", [name for name in BUNDLED if SHELF.has(name)])
def test_bundled_bodies_come_back_from_their_exports(tmp_path, name, ending):
    model = SHELF.load(name)
    export_body(model, tmp_path / f"body.{ending}")
    found = read_official_body(tmp_path / f"body.{ending}")
    assert found.family == model.family
    for member in ("v_template", "faces", "shapedirs", "expressiondirs", "posedirs", "J_regressor", "weights", "part_labels"):
        wanted = getattr(model, member)
        if wanted.size and member != "part_labels":
            assert np.allclose(getattr(found, member), wanted, rtol=0, atol=1e-6), member


def test_smplx_components_are_padded_to_the_places_where_readers_look(tmp_path):
    for betas, expressions, columns in ((10, 10, 20), (6, 3, 20), (16, 10, 400), (300, 100, 400)):
        model = random_body("smplx", vertices=20, betas=betas, expressions=expressions)
        export_body(model, tmp_path / "a.npz")
        with np.load(tmp_path / "a.npz") as members:
            assert members["shapedirs"].shape[-1] == columns
        found = read_official_body(tmp_path / "a.npz")
        assert np.array_equal(found.shapedirs[..., :betas], model.shapedirs)
        assert np.array_equal(found.expressiondirs[..., :expressions], model.expressiondirs)
    with pytest.raises(InputError, match="room"):
        export_body(random_body("smplx", vertices=20, betas=301), tmp_path / "b.npz")


@pytest.mark.skipif(smplx_reference is None, reason="smplx (non-commercial) is not installed here: nothing to compare with")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # smplx's own unpickling
@pytest.mark.parametrize(
    ("name", "ending"),
    [("open_human", "pkl"), ("open_human_x", "npz"), ("open_human_x", "pkl"), ("open_quadruped", "pkl"), ("open_quadruped", "npz")],
)
def test_smplx_reads_the_exports_and_agrees(tmp_path, name, ending):
    if not SHELF.has(name):
        pytest.skip(f"{name} is not there yet")
    model = SHELF.load(name)
    export_body(model, tmp_path / f"body.{ending}")
    rng = np.random.default_rng(2)
    pose = rng.normal(0.0, 0.4, (2, model.n_joints, 3))
    betas, translation = rng.normal(size=model.n_betas) * 0.5, rng.normal(size=(2, 3))
    expression = rng.normal(size=(2, model.n_expressions)) if model.n_expressions else None
    reference = smplx_reference.evaluation_of_file(tmp_path / f"body.{ending}", model.family, model.n_betas, model.n_expressions)
    _, wanted = reference(betas, pose, translation, expression)
    found = vertices_of(identity_of(model, betas), matrix_from_axis_angle(pose), translation, expression=expression)
    assert np.abs(found - wanted).max() < 1e-5


def test_an_export_that_cannot_be_written_says_so(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        export_body(open_human(), tmp_path / "nowhere" / "body.pkl")
    with pytest.raises(InputError, match=r"\.pkl or \.npz"):
        export_body(open_human(), Path("body.obj"))
