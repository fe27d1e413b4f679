"""Files and numbers from outside: each wrong one is answered in one line that names it, and takes no memory."""

import gzip
import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

import twin as api
from twin.arrays import MOST_BYTES, read_arrays
from twin.data.idx import array_of
from twin.errors import TwinError
from twin.extraction.model import FINALS, load_model
from twin.files import read_limited

SMALL = ("--samples", "20", "--epochs", "1")


def refused(twin, *arguments):
    """Run a command that must end in one line and with code 2; return the line."""
    code, out, err = twin(*arguments)
    lines = [line for line in err.splitlines() if line.startswith("error: ")]
    assert (code, out, len(lines)) == (2, "", 1), err
    return lines[0]


# -- values by which something is looked up ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["{}", "[1]", "3", "true", "{ a = { b = {} } }", "[[[[]]]]"])
@pytest.mark.parametrize("command", ["show", "run", "compare", "sweep", "study"])
def test_a_kind_that_is_no_text_is_refused(twin, tmp_path, kind, command):
    (tmp_path / "k.toml").write_text(f'schema = 1\nkind = {kind}\nname = "x"\n')
    assert refused(twin, command, "./k.toml").startswith("error: ./k.toml:2: kind (= ")


@pytest.mark.parametrize("value", ["[]", "{}", "[[1]]", "{ a = 1 }", "7"])
@pytest.mark.parametrize(
    "key",
    [
        *("data.set", "device.preset", "device.family", "network.layers.0.kind", "network.layers.0.activation"),
        *(
            "network.loss",
            "calibration.method",
            "training.consistency",
            "chip.memory.kind",
            "chip.tile.converter.preset",
        ),
        *("chip.placement.h", "algorithms.ttv2.reset"),
    ],
)
def test_what_names_something_must_be_a_name(twin, key, value):
    line = refused(twin, "run", *SMALL, "--set", f"{key}={value}")
    assert key.removeprefix("chip.").split(".")[-1] in line


# -- integers that follow from numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize("probability", ["1e-20", "1e-300", "1e-10"])
@pytest.mark.parametrize("algorithm", ["agad", "cttv2"])
def test_a_chopper_that_flips_less_than_once_in_a_billion_reads_is_refused(twin, algorithm, probability):
    own = ("--algorithm", algorithm, "--set", f"algorithms.{algorithm}.in_chop_random=false")
    line = refused(twin, "run", *own, "--set", f"algorithms.{algorithm}.in_chop_prob={probability}")
    assert f"algorithms.{algorithm}.in_chop_prob (= {float(probability):g})" in line


@pytest.mark.parametrize("share", ["0.999", "1", "2"])
def test_devices_that_are_all_corrupt(twin, share):
    arguments = ("run", *SMALL, "--algorithm", "sgd", "--set", f"device.corrupt_devices_prob={share}")
    if float(share) < 1:
        assert twin(*arguments)[0] == 0
    else:
        assert "corrupt_devices_prob" in refused(twin, *arguments)


def test_the_hint_for_a_lifetime_that_never_ends_holds(twin):
    for text in ("inf", '"inf"'):
        assert twin("run", *SMALL, "--algorithm", "sgd", "--set", f"device.lifetime={text}")[0] == 0


# -- files without an end --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "."])
def test_what_is_no_regular_file_is_not_read(twin, path):
    assert "regular file" in refused(twin, "device", "fit", path)
    assert path in refused(twin, "run", "--set", f'device={{preset = "measured", file = "{path}"}}')
    assert path in refused(twin, "infer", path, "nowhere")
    with pytest.raises(TwinError, match="regular file"):
        read_limited(Path(path), 10)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    large = tmp_path / "large"
    with large.open("wb") as stream:
        stream.truncate(2**40)  # sparse: takes no room
    with pytest.raises(TwinError, match=r"large: has 1,099,511,627,776 bytes, more than 1,024"):
        read_limited(large, 1024)
    with pytest.raises(TwinError, match="more than"):
        read_arrays(large)
    with pytest.raises(TwinError, match="more than"):
        array_of(large)


# -- idx ---------------------------------------------------------------------------------------------------------------


def idx(axes, lengths, data=b"", start=b"\x00\x00\x08"):
    lengths = b"".join(struct.pack(">i", n) for n in lengths)
    return gzip.compress(start + bytes([axes]) + lengths + data, mtime=0)


@pytest.mark.parametrize(
    "content",
    [
        idx(65, [1] * 65, b"x"),
        idx(255, [1] * 255, b"x"),
        idx(3, [-1, 28, 28]),
        idx(2, [-3, -3], b"123456789"),
        idx(3, [2**31 - 1, 2**31 - 1, 2**31 - 1]),
        idx(2, [3, 3], b"1234"),
        idx(2, [1, 3], b"1234"),
        idx(0, [], b"1"),
        idx(3, [2]),
        idx(1, [1], b"1", start=b"\x00\x00\x0d"),
        b"",
        b"plain text",
        idx(1, [3], b"123")[:-6],
        gzip.compress(b"", mtime=0),
    ],
    ids=range(14),
)
def test_an_idx_file_whose_header_lies_is_one_line(tmp_path, content):
    path = tmp_path / "a.gz"
    path.write_bytes(content)
    with pytest.raises(TwinError, match=r"a\.gz: .*; copy it again"):
        array_of(path)


def test_no_more_is_unpacked_than_the_header_says(tmp_path, monkeypatch):
    path = tmp_path / "bomb.gz"
    path.write_bytes(idx(1, [10], bytes(50_000_000)))
    asked = []
    real = gzip.GzipFile.read

    def read(self, size=-1):
        asked.append(size)
        return real(self, size)

    monkeypatch.setattr(gzip.GzipFile, "read", read)
    with pytest.raises(TwinError, match="more than 10 bytes where"):
        array_of(path)
    assert max(asked) == 11
    assert min(asked) >= 0


# -- arrays ----------------------------------------------------------------------------------------------------


def archive(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)


def npy(array):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(array), allow_pickle=True)
    return stream.getvalue()


def claiming(shape, dtype="<f4", data=b""):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": dtype, "fortran_order": False, "shape": shape})
    return stream.getvalue() + data


@pytest.mark.parametrize(
    "content",
    [
        claiming((10**12,)),
        claiming((-1,)),
        claiming((2**40, 2**40)),
        claiming((3,), data=bytes(8)),
        npy(np.array([{"a": 1}], object)),
        b"",
        b"\x93NUMPY\x01\x00\xff\xff",
        b"not an array",
    ],
)
def test_an_array_that_claims_what_it_has_not_is_refused(tmp_path, content):
    archive(tmp_path / "m.npz", {"weights.0": content})
    with pytest.raises(
        TwinError, match=r"m\.npz: cannot be read: it (is damaged \(.*\)|holds Python .*); write it again"
    ):
        read_arrays(tmp_path / "m.npz")


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    archive(tmp_path / "m.npz", {"a": bytes(2_000_000)}, zipfile.ZIP_DEFLATED)
    monkeypatch.setattr("twin.arrays.MOST_BYTES", 1_000_000)
    with pytest.raises(TwinError, match="claims to unpack to more than 1,000,000 bytes"):
        read_arrays(tmp_path / "m.npz")
    assert MOST_BYTES > 10**9


@pytest.fixture
def model(tmp_path):
    """Return the arrays of a small model, and what writes and reads them changed."""
    arrays = {
        "format": np.array([1]),
        "out_scaling": np.array([1.0, 2.0]),
        "bias": np.array([True, False]),
        "metadata": np.frombuffer(b"{}", np.uint8),
    }
    for name in ("weights", "sigma", "standard_error"):
        arrays |= {f"{name}.0": np.ones((2, 3), np.float32), f"{name}.1": np.ones((1, 2), np.float32)}
    path = tmp_path / "model.npz"

    def load(**changes):
        np.savez(path, **(arrays | {key.replace("__", "."): value for key, value in changes.items()}))
        return load_model(path)

    return load


@pytest.mark.parametrize("dtype", [complex, "U3", "S3", "datetime64[s]", [("a", "f4"), ("b", "f4")], bool])
def test_weights_that_are_no_real_numbers_are_refused(model, dtype):
    assert len(model().weights) == 2
    with pytest.raises(TwinError, match=r"model.npz: is damaged \(weights.0 has the type .*\); write it again"):
        model(weights__0=np.zeros((2, 3), dtype))


@pytest.mark.parametrize(
    "scales", [[np.nan, 1.0], [np.inf, 1.0], [0.0, 1.0], [-1.0, 1.0], [[1.0, 1.0]], ["1", "1"], [1]]
)
def test_scales_must_be_finite_and_positive(model, scales):
    with pytest.raises(TwinError, match=r"model\.npz: is damaged"):
        model(out_scaling=np.array(scales))


@pytest.mark.parametrize("metadata", [b"[" * 100_000, b'{"a":' * 100_000, b"\xff", b"", b"[]", b"3"])
def test_metadata_must_be_an_object_of_reasonable_depth(model, metadata):
    with pytest.raises(TwinError, match=r"model\.npz: is damaged"):
        model(metadata=np.frombuffer(metadata, np.uint8))


@pytest.mark.parametrize("values", [np.full((10, 65), np.nan, np.float32), np.zeros((10, 65), complex)])
def test_final_weights_that_are_no_numbers_are_refused(twin, tmp_path, values):
    assert twin("run", *SMALL, "--algorithm", "sgd", "--out", "made")[0] == 0
    run = tmp_path / "made" / "runs" / "sgd-two-array"
    arrays = read_arrays(run / FINALS)
    last = max(arrays)
    np.savez(run / FINALS, **(arrays | {last: values[: arrays[last].shape[0], : arrays[last].shape[1]]}))
    assert f"{FINALS}: {last} must be finite numbers" in refused(twin, "extract", run, "--reads", "1000")


# -- measurements, schedulers, processes -----------------------------------------------------------------------------


@pytest.mark.parametrize("value", [1e-300, 1e-310, 5e-324, -1e-200])
def test_conductances_that_are_nearly_nothing_are_refused(twin, tmp_path, value):
    rows = [f"{k},{value * k!r},up" for k in range(40)] + [f"{k},{value * (39 - k)!r},down" for k in range(40)]
    (tmp_path / "d.csv").write_text("\n".join(["pulse,conductance,direction", *rows]))
    assert "too small to tell steps apart; use a smaller unit" in refused(twin, "device", "fit", "d.csv")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of Dask-Jobqueue
@pytest.mark.parametrize("scheduler", ["tcp://", "http://x", "tcp://nowhere", "ftp://a:1", "slurm", "lsf", "pbs", "x"])
def test_a_scheduler_that_is_none_is_one_line(twin, scheduler):
    pytest.importorskip("dask_jobqueue")
    assert f"--scheduler (= {scheduler})" in refused(twin, "sweep", "first-sweep", "--scheduler", scheduler)


@pytest.mark.parametrize("jobs", ["100000", "0", "-1", "1e9", "two"])
def test_more_processes_than_any_machine_has_are_refused(twin, jobs):
    assert "--jobs" in refused(twin, "compare", *SMALL, "--jobs", jobs)


# -- characters that cannot be seen ----------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ['"a\\nb"', '"nCCDL\\u200b"', '"\\u202e"', '"\\u0000"', '""', '"a\\tb"'])
def test_keys_with_invisible_characters_are_shown_escaped(twin, tmp_path, key):
    (tmp_path / "m.toml").write_text(f'schema = 1\nkind = "chip"\nname = "x"\ndescription = ""\n{key} = 3\n')
    line = refused(twin, "show", "./m.toml")
    assert line.isprintable()
    assert "./m.toml:5: " in line
    assert "unknown key" in line
    assert "m.toml:5: : " not in line


def test_any_error_is_one_visible_line():
    assert str(TwinError("a\nb\u200b\udcff")) == "a\\nb\\u200b\\udcff"


def test_names_that_are_not_utf_8(twin, tmp_path):
    name = b"caf\xe9".decode("utf-8", "surrogateescape")
    line = refused(twin, "run", *SMALL, "--out", name)
    assert line == "error: caf\\udce9: is not UTF-8; rename it, or name it in UTF-8"
    assert list(tmp_path.iterdir()) == []
    run = api.simulate("digits-mlp", "sgd", samples=20, epochs=1, out=tmp_path / name, progress=False)
    assert run.samples == 20
    assert list(tmp_path.glob("*/runs/sgd-two-array/summary.json"))
