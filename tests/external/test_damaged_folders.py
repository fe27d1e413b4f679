"""What stands in a run's folder and is not what a run leaves: one line that names the file."""

import json

import pytest

SMALL = ("--samples", "20", "--epochs", "1", "-j1")
NOT_OBJECTS = [b"", b"{", b"null", b"[]", b"3", b'"x"', b"\xff\xfe{}", b"[" * 100_000, b'{"a":' * 100_000, b"\x00"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Make two comparisons of one run each."""
    from twin import compare  # noqa: PLC0415

    base = tmp_path_factory.mktemp("made")
    for name, algorithm in (("a", "sgd"), ("b", "digital")):
        compare("digits-mlp", [algorithm], samples=20, epochs=1, out=base / name).report(base / name)
    return base


@pytest.fixture
def changed(folders):
    """Return what changes a file of the first comparison; it is put back afterwards."""
    kept = {}

    def change(name, content):
        path = folders / "a" / name
        kept[path] = path.read_bytes()
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    yield change
    for path, content in kept.items():
        path.write_bytes(content)


def refused(twin, name, *arguments):
    code, out, err = twin(*arguments)
    assert code == 2, (out, err)
    lines = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert name in lines[0]


RUN = {"schema": 1, "command": "twin run", "runs": ["sgd-two-array"]}


@pytest.mark.parametrize(
    "content",
    [
        *NOT_OBJECTS,
        {},
        RUN | {"runs": []},
        RUN | {"runs": "sgd-two-array"},
        RUN | {"runs": [3]},
        RUN | {"runs": {"a": 1}},
        RUN | {"runs": ["\x00"]},
        RUN | {"runs": ["../../etc"]},
        RUN | {"runs": [".."]},
        RUN | {"command": 3},
        RUN | {"schema": 2},
        {key: value for key, value in RUN.items() if key != "runs"},
        {key: value for key, value in RUN.items() if key != "command"},
    ],
    ids=range(len(NOT_OBJECTS) + 12),
)
def test_a_comparison_that_is_none(twin, folders, changed, content):
    changed("comparison.json", content)
    refused(twin, "comparison.json", "resume", folders / "a")
    refused(twin, "comparison.json", "compare", folders / "a", folders / "b")


@pytest.mark.parametrize(
    "content",
    [
        *NOT_OBJECTS,
        {},
        {"plan": None},
        {"plan": []},
        {"plan": {"workload": 3}},
        {"plan": {"workload": "x", "chip": "x", "layout": "x", "algorithm": "x", "mode": "backwards"}},
        {"id": "x", "plan": 3},
    ],
    ids=range(len(NOT_OBJECTS) + 6),
)
def test_facts_of_a_run_that_are_none(twin, folders, changed, content):
    changed("runs/sgd-two-array/run.json", content)
    run = folders / "a" / "runs" / "sgd-two-array"
    refused(twin, "run.json", "compare", run, folders / "b")
    refused(twin, "run.json", "resume", folders / "a")
    refused(twin, "run.json", "extract", run)


@pytest.mark.parametrize("table", ["bins", "energy", "curve", "floorplan", "operations", "bound", "columns"])
@pytest.mark.parametrize("damage", ["short row", "not a number", "binary", "empty", "long row"])
def test_a_table_that_is_damaged(twin, folders, changed, table, damage):
    name = f"runs/sgd-two-array/{table}.csv"
    rows = (folders / "a" / name).read_bytes().splitlines()
    match damage:
        case "short row":
            rows[-1] = rows[-1].split(b",")[0]
        case "long row":
            rows[-1] += b",1,2,3,4,5,6,7,8,9"
        case "not a number":
            rows[-1] = b",".join([b"x"] * (rows[0].count(b",") + 1))
        case "binary":
            rows[-1] = b"\xff\xfe\x00"
        case "empty":
            rows = []
    changed(name, b"\n".join(rows))
    refused(twin, f"{table}.csv", "figures", folders / "a")
    refused(twin, f"{table}.csv", "compare", folders / "a", folders / "b")


@pytest.mark.parametrize("table", ["bins", "servers"])
def test_a_table_with_a_header_only_gives_no_traceback(twin, folders, changed, table, tmp_path):
    name = f"runs/sgd-two-array/{table}.csv"
    changed(name, (folders / "a" / name).read_bytes().splitlines()[0] + b"\n")
    code, _, err = twin("figures", folders / "a", "--out", tmp_path / "figures")
    assert code in {0, 2}
    assert code == 0 or err.startswith("error: ")
