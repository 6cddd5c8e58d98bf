"""What torch wrote and what was pickled is read without torch, number for number, and nothing in it is executed."""

import pickle

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revision_blender.motion.errors import MotionFileError
from revision_blender.motion.files.tensor_pickle import Storage, pickled_value
from revision_blender.motion.files.torch_file import read_pickled_npy, torch_tensors
from revision_blender.motion.pickles.values import Refusal
from tests.backend.torch_samples import Bomb, crafted

relaxed = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
DTYPES = (
    torch.float32,
    torch.float64,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.bool,
)


def numpy_of(tensor: torch.Tensor) -> np.ndarray:
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()


@st.composite
def tensors(draw):
    """Tensors of every type that look at their storage in every way: cut, transposed, spread, with steps."""
    shape = draw(st.lists(st.integers(0, 4), max_size=4))
    tensor = (torch.rand(shape, generator=torch.Generator().manual_seed(draw(st.integers(0, 99)))) * 100).to(draw(st.sampled_from(DTYPES)))
    for _ in range(draw(st.integers(0, 3))):
        way = draw(st.sampled_from(["cut", "turn", "step", "spread"]))
        if way == "spread":
            tensor = tensor[None].expand(draw(st.integers(1, 3)), *tensor.shape)
        elif tensor.ndim:
            tensor = tensor[1:] if way == "cut" else tensor[..., ::2] if way == "step" else tensor.transpose(0, -1)
    return tensor


@relaxed
@given(st.lists(tensors(), min_size=1, max_size=4))
def test_torch_save_is_read_as_torch_reads_it(tmp_path, some):
    whole = {"list": some, "in": {"first": some[0], "n": 3, "x": 1.5, "none": None, "yes": True, "text": "Ä", "big": 2**40}, "t": (1, 2)}
    torch.save(whole, tmp_path / "a.pt")
    wanted = torch.load(tmp_path / "a.pt", weights_only=True)
    with torch_tensors(tmp_path / "a.pt", "test file") as found:
        for mine, theirs in zip(found["list"], wanted["list"], strict=True):
            assert np.array_equal(mine.array(), numpy_of(theirs)) and mine.array().shape == tuple(theirs.shape)
            assert mine.array().dtype == numpy_of(theirs).dtype or mine.array().size == 0
        assert np.array_equal(found["in"]["first"].array(), numpy_of(some[0]))
        assert {key: value for key, value in found["in"].items() if key != "first"} == {
            key: value for key, value in wanted["in"].items() if key != "first"
        }
        assert found["t"] == (1, 2)


@relaxed
@given(tensors())
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pickled_tensors_and_arrays_are_read(protocol, tensor):
    array = numpy_of(tensor.contiguous())
    whole = {
        "tensor": tensor,
        "array": array,
        "column order": np.asfortranarray(array),
        "number": np.float32(2.5),
        "big": array.astype(">f8"),
    }
    found = pickled_value(pickle.dumps(whole, protocol=protocol))
    assert np.array_equal(found["tensor"].array(), numpy_of(tensor))
    assert np.array_equal(found["array"], array) and np.array_equal(found["column order"], np.asfortranarray(array))
    assert found["number"] == 2.5 and np.array_equal(found["big"], array.astype(np.float64))


@pytest.mark.parametrize("protocol", range(6))
def test_nothing_is_executed(tmp_path, protocol, capfd):
    with pytest.raises(Refusal, match="print"):
        pickled_value(pickle.dumps({"a": Bomb()}, protocol=protocol))
    np.save(tmp_path / "a.npy", {"a": Bomb()}, allow_pickle=True)
    with pytest.raises(MotionFileError, match="print"):
        read_pickled_npy(tmp_path / "a.npy", "test file")
    torch.save({"a": Bomb()}, tmp_path / "a.pt")
    with pytest.raises(MotionFileError, match="print"), torch_tensors(tmp_path / "a.pt", "test file"):
        pass
    assert "executed" not in capfd.readouterr().out


HOSTILE = {
    "text without end": crafted(b"X\xff\xff\xff\x7f"),
    "bytes without end": crafted(b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f"),
    "a number without end": crafted(b"\x8a\xff" + b"\x01" * 255),
    "a key that is a tuple": crafted(b"}", b")\x85\x85", b"N", b"s"),
    "an empty stack": crafted(b"\x87"),
    "no mark": crafted(b"t"),
    "a call of text": crafted(b"X\x01\x00\x00\x00a)R"),
    "a state for text": crafted(b"X\x01\x00\x00\x00a}b"),
    "an unknown memo": crafted(b"h\x07"),
    "an extension": crafted(b"\x82\x01"),
    "os.system": crafted(b"cos\nsystem\nX\x02\x00\x00\x00ls\x85R"),
    "builtins.eval": crafted(b"cbuiltins\neval\nX\x01\x00\x00\x001\x85R"),
    "an attribute of an allowed module": crafted(b"cnumpy\nload\n)R"),
    "a dotted way out": crafted(b"cnumpy\nndarray.__class__\n)R"),
    "nothing": b"",
    "no end": b"\x80\x02N",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_pickles_are_refused(what):
    with pytest.raises(Refusal):
        pickled_value(HOSTILE[what])


def test_storages_inside_of_storages_are_refused():
    """Each would hold a copy of all that are inside of it."""
    inner = b""
    for _ in range(3):
        inner = crafted(b"ctorch.storage\n_load_from_bytes\n", b"B" + len(inner).to_bytes(4, "little") + inner, b"\x85R")
    with pytest.raises(Refusal, match="storages inside of a storage"):
        pickled_value(inner)


def test_a_storage_that_is_read_over_and_over_is_refused():
    stored = torch.zeros(2).__reduce_ex__(2)[1][0].__reduce__()[1][0]
    named = b"ctorch.storage\n_load_from_bytes\nq\x00" + b"B" + len(stored).to_bytes(4, "little") + stored + b"q\x01"
    assert isinstance(pickled_value(crafted(named, b"\x85R")), Storage)
    with pytest.raises(Refusal, match="more pieces"):
        pickled_value(crafted(named, b"00](", b"h\x00h\x01\x85R" * 100_000, b"e"))


def test_a_memo_place_costs_nothing():
    assert pickled_value(crafted(b"Nr\xff\xff\xff\xff")) is None


@relaxed
@given(st.data())
def test_damaged_pickles_are_refused_or_read(data):
    content = bytearray(pickle.dumps({"a": np.zeros(3), "t": torch.zeros(2), "n": [1, {"b": 2.0}]}, protocol=data.draw(st.integers(2, 5))))
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        pickled_value(bytes(content))
    except Refusal as reason:
        assert len(str(reason)) < 300
