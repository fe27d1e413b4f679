"""How much a run of the tests tries: everything in `make test-slow`, less in `make test`."""

import os

EVERYTHING = bool(os.environ.get("TWIN_TEST_EVERYTHING"))


def examples(number):
    """Return against how many examples a property is held: a quarter of `number` in `make test`."""
    return number if EVERYTHING else max(5, number // 4)
