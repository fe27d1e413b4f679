"""Is every table of settings translated as itself?"""

from typing import get_args

import pytest

from twin.config.algorithms import Algorithms, Table, Transfer
from twin.machine.settings import settings_of


class SomeoneElses(Transfer):
    """A transfer of another kind than those that have a translation."""


def test_a_table_without_a_translation_does_not_become_that_of_ttv2():
    with pytest.raises(TypeError, match="SomeoneElses: has no translation in settings_of"):
        settings_of(SomeoneElses(transfer_lr=1.0))


def test_every_table_that_a_workload_may_have_has_one():
    tables = [getattr(Algorithms(), name) for name in Algorithms.model_fields]
    assert {type(table) for table in tables} >= set(get_args(Table))
    for table in tables:
        assert settings_of(table).update is not None
