"""Few structures, much data: for backends to which every set of shapes and options costs much, as a kernel to compile."""

from __future__ import annotations

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity
from hypothesis import strategies as st

from conformance.model import Case
from conformance.strategies import data_given

REGIMES = 63  # a multiple of how many there are


def structure(cases: st.SearchStrategy[Case], seed: int) -> Case:
    """The case that a seed draws: the third one, the first being the simplest, and the second unlike it."""
    drawn: list[Case] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=3,
        database=None,
        deadline=None,
        derandomize=False,
        verbosity=Verbosity.quiet,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(cases)
    def draw(case: Case) -> None:
        drawn.append(case)

    draw()
    return drawn[-1]


def few_structures(cases: st.SearchStrategy[Case], count: int, seed: int) -> st.SearchStrategy[Case]:
    """The cases of `count` structures that a seed chooses, each with data of any regime and seed."""

    def case(number: int, regime: int, data: int) -> Case:
        with data_given(regime, data):
            return structure(cases, seed + number)

    return st.builds(case, st.integers(0, count - 1), st.integers(0, REGIMES - 1), st.integers(0, 2**32 - 1))
