"""Are the columns of a table of one's own learnt as stated, and are gaps and strangers named by row and column?"""

import importlib.util

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from twin.config.data import Data
from twin.data import load
from twin.data.table import read
from twin.errors import TwinError

FLOWERS = """id,length,width,kind
1,5.1,0.2,setosa
2,7.0,1.4,versicolor
3,6.3,2.5,NA
4,4.9,0.1,setosa
"""
KEYS = {"label": ["kind"], "ignore": ["id"]}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Files are named by their name in the current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loaded(text, name="own.csv", test=None, **keys):
    with open(name, "w", encoding="utf-8") as file:  # noqa: PTH123 - beside the current folder
        file.write(text)
    if test is not None:
        with open("test.csv", "w", encoding="utf-8") as file:  # noqa: PTH123
            file.write(test)
        keys["test_file"] = "test.csv"
    elif "test_share" not in keys:
        keys |= {"test_share": 0.25, "split": "last"}
    return load(Data(set="table", file=name, **keys), 1)


def refused(text, **keys):
    with pytest.raises(TwinError) as caught:
        loaded(text, **keys)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_classes_are_numbered_in_the_order_of_their_names():
    data = loaded(FLOWERS, **KEYS)
    np.testing.assert_allclose(data.inputs, [[5.1, 0.2], [7.0, 1.4], [6.3, 2.5]])
    np.testing.assert_array_equal(data.targets[:, 0], [1, 2, 0])  # "NA" is a name, not a gap
    assert (data.shape, data.classes, data.facts["classes"]) == ((2,), 3, "NA, setosa, versicolor")
    assert str(data.facts["name"]).startswith("table (own.csv: sha256 ")


def test_rows_for_the_test_may_have_a_file_and_an_order_of_columns_of_their_own():
    data = loaded(FLOWERS, test="kind,width,id,length\nsetosa,0.3,9,5.0\n", **KEYS)
    np.testing.assert_allclose(data.test_inputs, [[5.0, 0.3]])
    assert data.test_targets.tolist() == [[1]]
    assert len(data.inputs) == 4


def test_several_columns_may_be_fitted():
    data = loaded("a,b,c\n1,2,3\n4,5,6\n7,8,9\n1,1,1\n", label=["c", "a"], targets="values")
    np.testing.assert_array_equal(data.targets, [[3, 1], [6, 4], [9, 7]])
    np.testing.assert_array_equal(data.inputs, [[2], [5], [8]])
    assert (data.classes, data.outputs) == (0, 2)


def test_whole_numbers_may_name_classes():
    data = loaded("x,y\n1,10\n2,7\n3,10\n4,7\n", label=["y"])
    assert data.targets.tolist() == [[1], [0], [1]]


def test_tabs_and_parquet_hold_the_same_table():
    keys = KEYS | {"test_share": 0.25, "split": "last"}
    as_csv = loaded(FLOWERS, **KEYS)
    as_tsv = loaded(FLOWERS.replace(",", "\t"), name="own.tsv", **KEYS)
    np.testing.assert_array_equal(as_tsv.inputs, as_csv.inputs)
    pytest.importorskip("pyarrow")
    pd.read_csv("own.csv", keep_default_na=False).to_parquet("own.parquet")
    as_parquet = load(Data(set="table", file="own.parquet", **keys), 1)
    np.testing.assert_array_equal(as_parquet.inputs, as_csv.inputs)
    np.testing.assert_array_equal(as_parquet.targets, as_csv.targets)
    assert as_parquet.facts["sha256"] == as_csv.facts["sha256"]


@pytest.mark.parametrize(
    ("text", "keys", "words"),
    [
        (FLOWERS, {"label": ["kinds"]}, ["data.label (= 'kinds')", "did you mean kind?", "id, length"]),
        (FLOWERS, KEYS | {"ignore": ["no"]}, ["data.ignore (= 'no')", "no such column"]),
        (FLOWERS, {"label": ["width"], "ignore": ["id"], "targets": "values"}, ["column 'kind', row 1 (= 'setosa')"]),
        (FLOWERS.replace("7.0", ""), KEYS, ["column 'length', row 2 (= '')", "finite number", "drop the row"]),
        (FLOWERS.replace("7.0", "nan"), KEYS, ["column 'length', row 2 (= 'nan')"]),
        (FLOWERS.replace("7.0", "inf"), KEYS, ["column 'length', row 2 (= ", "inf"]),
        (FLOWERS.replace("7.0", "1e300"), KEYS, ["own.csv')[1, 0] (= 1e+300)", "float32"]),
        (FLOWERS.replace("versicolor", ""), KEYS, ["column 'kind', row 2 (= '')", "name a class"]),
        (FLOWERS, {"label": ["length"], "ignore": ["id", "kind"]}, ["column 'length', row 1 (= 5.1)", "values"]),
        (FLOWERS, {"label": ["kind"], "ignore": ["id", "length", "width"]}, ["must be a feature"]),
        (FLOWERS.replace("4,4.9", "4,4.9,7,7"), KEYS, ["cannot be read as a table"]),
        (FLOWERS.replace(",0.2", ",9,0.2").replace(",1.4", ",9,1.4"), KEYS, ["cannot be read as a table"]),
        (FLOWERS.partition("\n")[0] + "\n", KEYS, ["no rows"]),
        ("", KEYS, ["cannot be read as a table"]),
        (FLOWERS, KEYS | {"test_share": 0.0}, ["data.test_share (= 0)", "own.csv"]),
        (FLOWERS, KEYS | {"test": "kind,length,id\nsetosa,1,2\n"}, ["test.csv", "no column 'width'"]),
        (FLOWERS, KEYS | {"test": FLOWERS.replace("NA", "rose")}, ["test.csv", "row 3 (= 'rose')", "e.g. 'NA'"]),
        (FLOWERS, KEYS | {"name": "own.xls"}, ["data.file (= own.xls)", ".csv, .tsv or .parquet"]),
    ],
)
def test_what_cannot_be_learnt_is_refused(text, keys, words):
    message = refused(text, **keys)
    assert [word for word in words if word not in message] == []


def test_a_file_that_is_no_table_is_refused(here):
    (here / "own.csv").write_bytes(b"a,b\n\xff\xfe,1\n")
    (here / "own.parquet").write_bytes(b"PAR1 and no more")
    pytest.importorskip("pyarrow")
    for name in ("own.csv", "own.parquet"):
        with pytest.raises(TwinError, match=f"^data.file \\(= '{name}'\\): cannot be read as a table") as caught:
            load(Data(set="table", file=name, label=["b"], test_share=0.5), 1)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ([[1], [2], [3], [4]], ["column 'x', row 1", "finite number"]),
        (pd.date_range("2020", periods=4), ["column 'x', row 1", "finite number"]),
        ([1, None, 3, 4], ["column 'x', row 2 (= '')"]),
    ],
)
def test_columns_of_parquet_that_are_no_numbers_are_refused(column, words):
    pytest.importorskip("pyarrow")
    pd.DataFrame({"x": column, "y": [0, 1, 0, 1]}).to_parquet("own.parquet")
    with pytest.raises(TwinError) as caught:
        load(Data(set="table", file="own.parquet", label="y", test_share=0.5), 1)
    assert [word for word in words if word not in str(caught.value)] == []


def test_parquet_without_pyarrow_says_what_to_install(here, monkeypatch):
    (here / "own.parquet").write_bytes(b"")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(TwinError, match=r"needs pyarrow; pip install 'analog-twin\[parquet\]'"):
        load(Data(set="table", file="own.parquet", label="y", test_share=0.5), 1)


@pytest.mark.parametrize(
    ("keys", "rule"),
    [
        ({"set": "table", "file": "x.csv"}, "needs label"),
        ({"set": "table", "label": ["y"]}, "needs file"),
        ({"set": "table", "file": "x.csv", "label": ["a", "b"]}, "one column"),
        ({"set": "arrays", "file": "x.npz", "label": ["a"]}, 'belongs to set = "table"'),
        ({"set": "table", "file": "x.csv", "label": ["y"], "channels": "last"}, "belongs to set"),
    ],
)
def test_keys_that_mean_nothing_are_refused(keys, rule):
    with pytest.raises(ValidationError, match=rule):
        Data(**keys)


NUMBERS = st.lists(st.tuples(*[st.floats(-1e6, 1e6, width=32)] * 3), min_size=4, max_size=30)


@settings(max_examples=25, deadline=None)
@given(rows=NUMBERS)
def test_every_number_of_a_table_arrives(rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "own.csv"
    pd.DataFrame(rows, columns=["a", "b", "c"]).to_csv(path, index=False)
    data = read(Data(set="table", file=str(path), label=["b"], targets="values", test_share=0.5, split="last"))
    values = np.array(rows, np.float32)
    np.testing.assert_array_equal(np.concatenate([data.inputs, data.test_inputs]), values[:, [0, 2]])
    np.testing.assert_array_equal(np.concatenate([data.targets, data.test_targets])[:, 0], values[:, 1])
