"""What a strategy reaches is counted over the same draws in every run."""

import pytest

from conformance.harness import only_the_seed_decides


@pytest.fixture(autouse=True)
def _the_same_draws():
    with only_the_seed_decides():
        yield
