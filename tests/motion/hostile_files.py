"""Files that try to run code, fill the memory or pass off as bodies: by name, as bytes, with a word that the refusal must have.

``CANARY`` is a command that would leave a file; whoever runs any of it is found out.
"""

import gzip
import io
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from revision_blender.motion.skeletons import SMPL

Build = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Hostile:
    """build: the file's content from the path of the canary. word: a pattern in the refusal. ending: of the file's name."""

    build: Build
    word: str
    ending: str = "pkl"


def shell(canary: bytes) -> bytes:
    return b"touch " + canary


def text(value: bytes) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value


def short(value: bytes) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value


def name(module: str, attribute: str) -> bytes:
    return f"c{module}\n{attribute}\n".encode()


def stacked(module: str, attribute: str) -> bytes:
    return short(module.encode()) + short(attribute.encode()) + b"\x93"


class _Calls:
    """Pickles as a call."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call  # type: ignore[return-value]


def _calls(module: str, attribute: str) -> Build:
    return lambda canary: b"\x80\x02" + name(module, attribute) + text(shell(canary)) + b"\x85R."


def _numpy_array(dtype: bytes, shape: bytes, data: bytes, order: bytes = b"<") -> bytes:
    """An array's opcodes in protocol 2; shape: the opcodes of its tuple."""
    made = name("numpy.core.multiarray", "_reconstruct") + name("numpy", "ndarray") + b"K\x00\x85" + text(b"b") + b"\x87R"
    kind = name("numpy", "dtype") + text(dtype) + b"K\x00K\x01\x87R(K\x03" + text(order) + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    return b"\x80\x02" + made + b"(K\x01" + shape + kind + b"\x89" + data + b"tb."


def _joblib(state: dict[str, bytes]) -> bytes:
    """A joblib wrapper whose state is ``state``, opcodes by key."""
    made = name("joblib.numpy_pickle", "NumpyArrayWrapper") + b")\x81}("
    return b"\x80\x02" + made + b"".join(text(key.encode()) + value for key, value in state.items()) + b"ub"


_F8 = name("numpy", "dtype") + text(b"f8") + b"K\x00K\x01\x87R(K\x03" + text(b"<") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
_BILLION = b"J" + struct.pack("<i", 10**9)


def _zip(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, content in members.items():
            archive.writestr(key, content)
    return stream.getvalue()


def _npy_header(descr: str, shape: str, fortran: bool = False) -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}".encode()
    header += b" " * (63 - (len(header) + 10) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header


def _bomb(head: bytes, filling: bytes, window: int = 15, megabytes: int = 600, tail: bytes = b"") -> bytes:
    """``megabytes`` of one byte between ``head`` and ``tail``; window: zlib's, 31 for gzip."""
    packer = zlib.compressobj(1, zlib.DEFLATED, window)
    parts = [head, *[filling * (1 << 20)] * megabytes, tail]
    return b"".join([packer.compress(part) for part in parts]) + packer.flush()


def _objects(canary: bytes) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.array([_Calls(__import__("os").system, shell(canary).decode())], dtype=object), allow_pickle=True)
    return stream.getvalue()


def _laughs(_canary: bytes) -> bytes:
    """Lists of ten times the list before: a billion after nine."""
    content = b"\x80\x02]q\x00K\x01a"
    for level in range(1, 30):
        content += b"](" + b"h" + bytes([level - 1]) + (b"h" + bytes([level - 1])) * 9 + b"e" + b"q" + bytes([level])
    return content + b"."


def _copies(_canary: bytes) -> bytes:
    """One list, copied over and over by calls."""
    many = b"\x80\x02](" + b"K\x01" * 100_000 + b"eq\x000"
    return many + b"](" + (name("builtins", "list") + b"h\x00\x85R") * 20_000 + b"e."


def _plain(dtype: str, shape: bytes, values: list[float]) -> bytes:
    """A whole array's opcodes without the pickle around it."""
    data = np.array(values, dtype).tobytes()
    return _numpy_array(dtype.encode(), shape, b"B" + struct.pack("<I", len(data)) + data)[2:-1]


def _sparse_tree(shape: bytes, row: int, bounds: list[float]) -> bytes:
    """A body's pickle whose table of joints is a sparse matrix of one entry."""
    state = {b"_shape": shape, b"indptr": _plain("i4", b"K\x19\x85", bounds), b"indices": _plain("i4", b"K\x01\x85", [row])}
    state[b"data"] = _plain("f8", b"K\x01\x85", [1.0])
    matrix = name("scipy.sparse.csc", "csc_matrix") + b")\x81}(" + b"".join(text(key) + value for key, value in state.items()) + b"ub"
    members = {b"kintree_table": matrix, b"weights": _plain("f8", b"K\x01K\x18\x86", [1 / 24] * 24)}
    members[b"v_template"] = _plain("f8", b"K\x01K\x03\x86", [0.0] * 3)
    return b"\x80\x02}(" + b"".join(text(key) + value for key, value in members.items()) + b"u."


def _npz_body(V: int, columns: int, present: int) -> bytes:
    """An SMPL body of ``V`` vertices whose ``columns`` of shape are announced, and ``present`` bytes of zeros there for them."""
    table = np.stack([SMPL.parents, np.arange(24)]).astype("<i8").tobytes()
    return _zip(
        {
            "v_template.npy": _npy_header("'<f8'", f"({V}, 3)") + bytes(V * 24),
            "weights.npy": _npy_header("'<f8'", f"({V}, 24)") + struct.pack("<d", 1 / 24) * (V * 24),
            "kintree_table.npy": _npy_header("'<i8'", "(2, 24)") + table,
            "J_regressor.npy": _npy_header("'<f8'", f"(24, {V})"),
            "f.npy": _npy_header("'<u4'", "(9, 3)") + bytes(108),
            "posedirs.npy": _npy_header("'<f8'", f"({V}, 3, 207)"),
            "shapedirs.npy": _npy_header("'<f8'", f"({V}, 3, {columns})") + bytes(present),
        }
    )


CODE: dict[str, Hostile] = {
    "GLOBAL os.system": Hostile(_calls("os", "system"), r"os\.system"),
    "GLOBAL posix.system": Hostile(_calls("posix", "system"), r"posix\.system"),
    "GLOBAL nt.system": Hostile(_calls("nt", "system"), r"nt\.system"),
    "GLOBAL subprocess.Popen": Hostile(_calls("subprocess", "Popen"), r"subprocess\.Popen"),
    "GLOBAL builtins.eval": Hostile(_calls("builtins", "eval"), r"builtins\.eval"),
    "GLOBAL __builtin__.exec": Hostile(_calls("__builtin__", "exec"), r"__builtin__\.exec"),
    "GLOBAL builtins.getattr": Hostile(_calls("builtins", "getattr"), r"builtins\.getattr"),
    "GLOBAL builtins.__import__": Hostile(_calls("builtins", "__import__"), "__import__"),
    "GLOBAL builtins.open": Hostile(_calls("builtins", "open"), r"builtins\.open"),
    "GLOBAL functools.partial": Hostile(_calls("functools", "partial"), r"functools\.partial"),
    "GLOBAL operator.attrgetter": Hostile(_calls("operator", "attrgetter"), r"operator\.attrgetter"),
    "GLOBAL importlib.import_module": Hostile(_calls("importlib", "import_module"), "import_module"),
    "GLOBAL pickle.loads": Hostile(_calls("pickle", "loads"), r"pickle\.loads"),
    "GLOBAL numpy.load": Hostile(_calls("numpy", "load"), r"numpy\.load"),
    "GLOBAL numpy.testing runstring": Hostile(_calls("numpy.testing._private.utils", "runstring"), "runstring"),
    "GLOBAL numpy.f2py": Hostile(_calls("numpy.f2py.diagnose", "run_command"), "run_command"),
    "GLOBAL numpy.fromfile": Hostile(_calls("numpy", "fromfile"), "fromfile"),
    "GLOBAL numpy.memmap called": Hostile(_calls("numpy", "memmap"), r"numpy\.memmap"),
    "GLOBAL chumpy lambda": Hostile(_calls("chumpy.ch", "ChLambda"), "ChLambda"),
    "GLOBAL joblib.load": Hostile(_calls("joblib", "load"), r"joblib\.load"),
    "GLOBAL torch.load": Hostile(_calls("torch.serialization", "load"), r"torch\.serialization"),
    "GLOBAL with a dotted attribute": Hostile(
        lambda canary: b"\x80\x04" + stacked("numpy", "os.system") + short(shell(canary)) + b"\x85R.", r"numpy\.os\.system"
    ),
    "GLOBAL hidden in an allowed module": Hostile(_calls("numpy.core.multiarray", "frombuffer"), "frombuffer"),
    "STACK_GLOBAL os.system": Hostile(lambda canary: b"\x80\x04" + stacked("os", "system") + short(shell(canary)) + b"\x85R.", r"os\.system"),
    "STACK_GLOBAL of the memo": Hostile(
        lambda canary: b"\x80\x04" + short(b"system") + b"\x940" + short(b"os") + b"h\x00\x93" + short(shell(canary)) + b"\x85R.", r"os\.system"
    ),
    "STACK_GLOBAL of something else": Hostile(lambda _: b"\x80\x04K\x01K\x02\x93.", r"1\.2"),
    "STACK_GLOBAL in a frame in a frame": Hostile(
        lambda canary: b"\x80\x04\x95" + struct.pack("<Q", 60) + b"\x95" + struct.pack("<Q", 40) + stacked("os", "system")
        + short(shell(canary)) + b"\x85R." + bytes(80), r"os\.system"
    ),
    "INST": Hostile(lambda canary: b"(" + text(shell(canary)) + b"ios\nsystem\n.", r"os\.system"),
    "OBJ": Hostile(lambda canary: b"(" + name("os", "system") + text(shell(canary)) + b"o.", r"os\.system"),
    "OBJ of an allowed name": Hostile(lambda _: b"(" + name("numpy", "ndarray") + _BILLION + b"o.", "old kind"),
    "NEWOBJ": Hostile(lambda canary: b"\x80\x02" + name("subprocess", "Popen") + text(shell(canary)) + b"\x85\x81.", "subprocess"),
    "NEWOBJ of an array": Hostile(lambda _: b"\x80\x02" + name("numpy", "ndarray") + _BILLION + b"\x85\x85\x81.", "ndarray"),
    "NEWOBJ_EX": Hostile(lambda canary: b"\x80\x04" + stacked("subprocess", "Popen") + short(shell(canary)) + b"\x85}\x92.", "subprocess"),
    "NEWOBJ_EX of an allowed name": Hostile(lambda _: b"\x80\x04" + stacked("chumpy.ch", "Ch") + b")}\x92.", "named arguments"),
    "BUILD of a function": Hostile(lambda canary: b"\x80\x02" + name("os", "system") + text(shell(canary)) + b"b.", r"os\.system"),
    "BUILD of an allowed class": Hostile(lambda _: b"\x80\x02" + name("numpy", "ndarray") + b"}" + text(b"x") + b"K\x01sb.", "changes"),
    "BUILD of a dictionary's attributes": Hostile(
        lambda _: b"\x80\x02" + name("collections", "OrderedDict") + b")R}" + text(b"__class__") + b"K\x01sb.", "changes"
    ),
    "__setstate__ of chumpy with a function": Hostile(
        lambda _: b"\x80\x02" + name("chumpy.ch", "Ch") + b")\x81}" + text(b"x") + name("os", "system") + b"sb.", r"os\.system"
    ),
    "chumpy that holds chumpy's class": Hostile(
        lambda _: b"\x80\x02" + name("chumpy.ch", "Ch") + b")\x81}" + text(b"x") + name("chumpy.ch", "Ch") + b"sb.", "chumpy object"
    ),
    "copyreg._reconstructor of a function": Hostile(
        lambda _: name("copy_reg", "_reconstructor") + b"(" + name("os", "system") + name("__builtin__", "object") + b"NtR.", r"os\.system"
    ),
    "copyreg.__newobj__": Hostile(_calls("copyreg", "__newobj__"), "__newobj__"),
    "persistent id": Hostile(lambda _: b"Pcanary\n.", "outside of the file"),
    "binary persistent id": Hostile(lambda _: b"\x80\x02" + text(b"canary") + b"Q.", "outside of the file"),
    "EXT1": Hostile(lambda _: b"\x80\x02\x82\x01.", "extension registry"),
    "EXT2": Hostile(lambda _: b"\x80\x02\x83\x01\x00.", "extension registry"),
    "EXT4": Hostile(lambda _: b"\x80\x02\x84\x01\x00\x00\x00.", "extension registry"),
    "out-of-band buffer": Hostile(lambda _: b"\x80\x05\x97.", "buffer outside"),
    "a name as data": Hostile(lambda _: b"\x80\x02}" + text(b"x") + name("numpy", "ndarray") + b"s.", "ends before"),
    "a call of what was called": Hostile(
        lambda canary: b"\x80\x02" + name("_codecs", "encode") + text(b"os") + b"\x85R" + text(shell(canary)) + b"\x85R.", "cannot be called"
    ),
    "_codecs.encode with another codec": Hostile(
        lambda _: b"\x80\x02" + name("_codecs", "encode") + text(b"abc") + text(b"zlib") + b"\x86R.", "Latin-1"
    ),
    "a number of numpy that is an object": Hostile(
        lambda canary: b"\x80\x02" + name("numpy.core.multiarray", "scalar") + name("numpy", "dtype") + text(b"O8") + b"K\x00K\x01\x87R(K\x03"
        + text(b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb" + text(b"cos\nsystem\n(S'" + shell(canary) + b"'\ntR.") + b"\x86R.", "object"
    ),
    "an array of objects with a payload": Hostile(
        lambda canary: pickle.dumps(np.array([_Calls(__import__("os").system, shell(canary).decode())], dtype=object), protocol=2), r"system"
    ),
    "joblib array of objects with a payload": Hostile(
        lambda canary: _joblib({"shape": b"K\x01\x85", "order": text(b"C"), "dtype": _F8.replace(text(b"f8"), text(b"O8"))})
        + pickle.dumps(_Calls(__import__("os").system, shell(canary).decode()), protocol=2) + b".", "system"
    ),
    "joblib's old wrapper of file names": Hostile(
        lambda _: b"\x80\x02" + name("joblib.numpy_pickle_compat", "NDArrayWrapper") + b")\x81}" + text(b"filename") + text(b"/etc/passwd") + b"sb.",
        "NDArrayWrapper"
    ),
    "joblib's old compressed wrapper": Hostile(_calls("joblib.numpy_pickle", "ZNDArrayWrapper"), "ZNDArrayWrapper"),
    "code behind zlib": Hostile(lambda canary: zlib.compress(_calls("os", "system")(canary)), r"os\.system"),
    "code behind gzip": Hostile(lambda canary: gzip.compress(_calls("os", "system")(canary)), r"os\.system"),
    "objects in an npz": Hostile(lambda canary: _zip({"v_template.npy": _objects(canary), "weights.npy": _objects(canary)}), "plain numbers", "npz"),
    "a pickle in an npz": Hostile(lambda canary: _zip({"v_template.npy": _calls("os", "system")(canary)}), "header", "npz"),
    "code in an npz header": Hostile(
        lambda canary: _zip({"v_template.npy": _npy_header("__import__('os').system('" + shell(canary).decode() + "')", "(1, 3)")}), "numbers|header", "npz"
    ),
}  # fmt: skip

GREED: dict[str, Hostile] = {
    "BINBYTES8 of 10^12": Hostile(lambda _: b"\x80\x04\x8e" + struct.pack("<Q", 10**12) + b"a.", "announced"),
    "BINUNICODE8 of 10^12": Hostile(lambda _: b"\x80\x04\x8d" + struct.pack("<Q", 10**12) + b"a.", "announced"),
    "BYTEARRAY8 of 10^18": Hostile(lambda _: b"\x80\x05\x96" + struct.pack("<Q", 10**18) + b"a.", "announced"),
    "BINSTRING of 2^32": Hostile(lambda _: b"T\xff\xff\xff\xffa.", "announced"),
    "FRAME of 2^60": Hostile(lambda _: b"\x80\x04\x95" + struct.pack("<Q", 2**60) + b"N.", "frame"),
    "LONG4 of 10^6 bytes": Hostile(lambda _: b"\x80\x02\x8b" + struct.pack("<I", 10**6) + b"\x7f" * 10**6 + b".", "whole number"),
    "LONG of 10^6 digits": Hostile(lambda _: b"L" + b"9" * 10**6 + b"L\n.", "line"),
    "LONG_BINPUT far away": Hostile(lambda _: b"\x80\x02Nr\xff\xff\xff\xff" * 3_000_000 + b".", "more pieces"),
    "deep nesting": Hostile(lambda _: b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".", "nested"),
    "deep tuples as a key": Hostile(lambda _: b"\x80\x02})" + b"\x85" * 200_000 + b"Ns.", "key"),
    "a list that holds itself": Hostile(lambda _: b"\x80\x02]q\x00h\x00a.", "itself"),
    "lists of lists of lists": Hostile(_laughs, "contain each other"),
    "copies of copies": Hostile(_copies, "more pieces"),
    "millions of sets": Hostile(lambda _: b"\x80\x04" + b"\x8f" * 3_000_000 + b".", "more pieces"),
    "marks without end": Hostile(lambda _: b"\x80\x02" + b"(" * 10_000_000 + b".", "more pieces"),
    "an array of 10^9": Hostile(lambda _: _numpy_array(b"f8", _BILLION + b"\x85", b"C\x08" + bytes(8)), "8000000000 bytes"),
    "an array of 10^9 times 10^9": Hostile(lambda _: _numpy_array(b"f8", _BILLION + _BILLION + b"\x86", b"C\x00"), "bytes"),
    "an array of nothing, 10^9 times": Hostile(lambda _: _numpy_array(b"S0", _BILLION + b"\x85", b"C\x00"), "S0"),
    "an array of huge text": Hostile(lambda _: _numpy_array(b"U99999", _BILLION + b"\x85", b"C\x00"), "bytes"),
    "an array of negative length": Hostile(lambda _: _numpy_array(b"f8", b"J\xff\xff\xff\xff\x85", b"C\x00"), "shape"),
    "an array of records": Hostile(lambda _: _numpy_array(b"V8", b"K\x01\x85", b"C\x08" + bytes(8)), "V8"),
    "an array of a made-up type": Hostile(lambda _: _numpy_array(b"f7", b"K\x01\x85", b"C\x07" + bytes(7)), "f7"),
    "a sparse matrix of 10^18": Hostile(lambda _: _sparse_tree(_BILLION + _BILLION + b"\x86", 0, [0] + [1] * 24), "shape"),
    "a sparse matrix beyond itself": Hostile(lambda _: _sparse_tree(b"K\x02K\x18\x86", 99, [0] + [1] * 24), "outside itself"),
    "a sparse matrix before itself": Hostile(lambda _: _sparse_tree(b"K\x02K\x18\x86", -9, [0] + [1] * 24), "outside itself"),
    "a sparse matrix with bounds of its own": Hostile(lambda _: _sparse_tree(b"K\x02K\x18\x86", 0, [0] * 12 + [10**9] * 12 + [1]), "bounds"),
    "joblib array of 10^9": Hostile(
        lambda _: _joblib({"shape": _BILLION + b"\x85", "order": text(b"C"), "dtype": _F8, "allow_mmap": b"\x88"}) + b".", "8000000000 bytes"
    ),
    "joblib array of an object for a type": Hostile(lambda _: _joblib({"shape": b"K\x01\x85", "order": text(b"C"), "dtype": text(b"f8")}), "no type"),
    "zlib bomb": Hostile(lambda _: _bomb(b"\x80\x02B\xff\xff\xff\x7f", b"\0"), "unpacks to more"),
    "gzip bomb of opcodes": Hostile(lambda _: _bomb(b"\x80\x02", b"]", 31), "unpacks to more"),
    "zlib bomb just within the limit": Hostile(
        lambda _: _bomb(b"\x80\x02B" + struct.pack("<I", 63 << 20), b"\0", megabytes=63, tail=b"a."), "damaged"
    ),
    "zlib bomb of text, encoded again and again": Hostile(
        lambda _: _bomb(
            b"\x80\x02]X" + struct.pack("<I", 30 << 20), b"a", megabytes=30,
            tail=b"q\x000(" + (name("_codecs", "encode") + b"h\x00" + text(b"latin1") + b"\x86R") * 20 + b"e.",
        ), "over and over"
    ),
    "zlib that ends early": Hostile(lambda _: zlib.compress(pickle.dumps({"a": 1}))[:-9], "early|damaged"),
    "bzip2": Hostile(lambda _: b"BZh91AY", "bzip2"),
    "no end": Hostile(lambda _: b"\x80\x02}", "damaged"),
    "nothing at all": Hostile(lambda _: b"", "damaged"),
    "noise": Hostile(lambda _: bytes(range(128, 256)) * 9, "refused|damaged"),
    "protocol 9": Hostile(lambda _: b"\x80\x09N.", "protocol 9"),
    "npz bomb": Hostile(lambda _: _zip({"v_template.npy": _npy_header("'<f8'", "(50000000, 3)") + bytes(200 << 20)}), "v_template|weights", "npz"),
    "npz of 10^9 vertices": Hostile(
        lambda _: _zip({"v_template.npy": _npy_header("'<f8'", "(1000000000, 3)"), "weights.npy": _npy_header("'<f8'", "(1000000000, 24)")}),
        "v_template", "npz"
    ),
    "npz of components that would not fit": Hostile(lambda _: _npz_body(50_000, 500, 0), "does not fit", "npz"),
    "npz of components that are zeros": Hostile(lambda _: _npz_body(6890, 500, 6890 * 3 * 500 * 8), "posedirs", "npz"),
    "npz of components that are not there": Hostile(lambda _: _npz_body(6890, 500, 1000), "shapedirs", "npz"),
    "npz of zero vertices": Hostile(
        lambda _: _zip({"v_template.npy": _npy_header("'<f8'", "(0, 3)"), "weights.npy": _npy_header("'<f8'", "(0, 24)")}), "v_template", "npz"
    ),
    "npz header of 9 dimensions": Hostile(lambda _: _zip({"v_template.npy": _npy_header("'<f8'", str((1,) * 30))}), "header|numbers|template", "npz"),
}  # fmt: skip

HOSTILE: dict[str, Hostile] = {**CODE, **GREED}
