"""Dropout."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import FLOATS, Case, Law, Operation, torch
from conformance.operations.elementwise import SHAPES, the_input
from conformance.operations.laws import assert_same
from conformance.strategies import data_of
from oracles.dropout import chances, dropout, dropout_gradient

PROBABILITIES = st.one_of(st.sampled_from((0.5, 0.0, 1.0, 0.1, 0.9)), st.floats(0.0, 1.0).map(lambda p: round(p, 3)))
MANY = st.just((40, 500))  # enough to count
SIZES = st.sampled_from((SHAPES, SHAPES, MANY))


def call(x: Any, p: float, training: bool, seed: int) -> Any:
    """The module's forward, after the generator is seeded."""
    torch.manual_seed(seed)
    return torch.nn.Dropout(p).train(training)(x)


def in_place(x: Any, p: float, training: bool, seed: int) -> Any:
    """The same, over x."""
    torch.manual_seed(seed)
    return torch.nn.Dropout(p, inplace=True).train(training)(x)


def shape(x: Any, **options: Any) -> dict[str, Any]:
    """The output is as the input."""
    return {"output": x}


@st.composite
def cases(draw: st.DrawFn, dtype: str) -> Case:
    """Tensors of any shape, now and then one that is large enough to count."""
    data = draw(data_of(dtype))
    x = data.array("x", *draw(draw(SIZES)))
    return data.case({"x": x}, p=draw(PROBABILITIES), training=draw(st.sampled_from((True, True, False))), seed=draw(st.integers(0, 9999)))


def identity_in_evaluation(trial: Trial, case: Case) -> None:
    """In evaluation, and with p = 0, nothing changes."""
    assert_same(trial.run(case.but(training=False))["output"], the_input(case), "evaluation changes its input")
    if np.isfinite(the_input(case).astype(float)).all():
        assert_same(trial.run(case.but(training=True, p=0.0))["output"], the_input(case), "p = 0 changes its input")


def nothing_is_left(trial: Trial, case: Case) -> None:
    """With p = 1 nothing is kept."""
    x = np.ones_like(the_input(case))
    assert_same(trial.run(case.but(x=x, training=True, p=1.0))["output"], 0 * x, "p = 1 keeps something")


Dropout = Operation(
    name="torch.nn.Dropout",
    call=call,
    in_place=in_place,
    oracle=dropout,
    gradient=dropout_gradient,
    shape=shape,
    cases=cases,
    chances=chances,
    follows_subject=True,
    share=3.0,
    rejects={
        "p must not be negative": lambda case: case.but(p=-0.1),
        "p must be at most 1": lambda case: case.but(p=1.1),
    },
    laws=(Law("evaluation is the identity", identity_in_evaluation), Law("p = 1 leaves nothing", nothing_is_left)),
    dtypes=FLOATS,
)

OPERATIONS = (Dropout,)
