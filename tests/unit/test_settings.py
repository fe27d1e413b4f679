"""Does every table of settings say what it means to the executor?"""

import pytest

from twin.algorithms.settings import State
from twin.algorithms.tables import Transfer
from twin.descriptions.algorithms import Algorithms


class SomeoneElses(Transfer):
    """A transfer that tells nobody what its settings mean."""


def test_a_table_without_a_translation_does_not_become_that_of_ttv2():
    with pytest.raises(TypeError, match=r"abstract method '?settings"):
        SomeoneElses(transfer_lr=1.0)


def test_every_table_that_a_workload_may_have_has_one():
    tables = {name: getattr(Algorithms(), name) for name in Algorithms.model_fields}
    assert list(tables) == ["digital", "sgd", "shd", "ttv2", "cttv2", "agad", "mixed_precision", "digital_shd"]
    for table in tables.values():
        assert table.settings().update is not None


def test_what_is_kept_for_each_weight_is_what_is_declared_as_stored():
    words = {name: getattr(Algorithms(), name).settings().h_words for name in Algorithms.model_fields}
    assert words == {
        "digital": 0,
        "sgd": 0,
        "shd": 0,
        "ttv2": 1,
        "cttv2": 1,
        "agad": 3,
        "mixed_precision": 1,
        "digital_shd": 0,
    }
    assert not State("crossed", ("lines", "line_length")).stored
