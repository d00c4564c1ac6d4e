"""Dropout, of elements and of channels, to zero and to saturation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import FLOATS, Case, Law, Operation, torch
from conformance.operations.elementwise import SHAPES, the_input
from conformance.operations.laws import assert_same
from conformance.strategies import data_of, side
from oracles import dropout as oracles

# The calls: the module's forward after the generator is seeded; in place x, as it is then.


def dropped(kind: Any, x: Any, p: float, training: bool, seed: int, inplace: bool = False) -> Any:
    torch.manual_seed(seed)
    output = kind(p, inplace=inplace).train(training)(x)
    return x if inplace else output


def dropout(x: Any, **options: Any) -> Any:
    return dropped(torch.nn.Dropout, x, **options)


def dropout1d(x: Any, **options: Any) -> Any:
    return dropped(torch.nn.Dropout1d, x, **options)


def dropout2d(x: Any, **options: Any) -> Any:
    return dropped(torch.nn.Dropout2d, x, **options)


def dropout3d(x: Any, **options: Any) -> Any:
    return dropped(torch.nn.Dropout3d, x, **options)


def alpha_dropout(x: Any, **options: Any) -> Any:
    return dropped(torch.nn.AlphaDropout, x, **options)


def feature_alpha_dropout(x: Any, **options: Any) -> Any:
    return dropped(torch.nn.FeatureAlphaDropout, x, **options)


def over_its_input(call: Callable[..., Any]) -> Callable[..., Any]:
    """The call with the module's in-place option."""
    return lambda **arguments: call(**arguments, inplace=True)


def shape(x: Any, **options: Any) -> dict[str, Any]:
    """The output is as the input."""
    return {"output": x}


# The cases.

PROBABILITIES = st.one_of(st.sampled_from((0.5, 0.0, 1.0, 0.1, 0.9)), st.floats(0.0, 1.0).map(lambda p: round(p, 3)))
FEW = st.sampled_from((2, 1, 3, 4, 0))


def of_channels(rank: int, unbatched: bool, batched: bool = True) -> st.SearchStrategy[tuple[int, ...]]:
    """Shapes (N, C, …) and (C, …); now and then with so many channels that they can be counted."""
    sides = [FEW] * (rank - 1) + [side(0, 5)]
    forms = [st.tuples(FEW, FEW, *sides)] * batched + [st.tuples(FEW, *sides)] * unbatched
    many = [st.just((40, 100, 2, *[1] * (rank - 1)))] * batched + [st.just((4000, 2, *[1] * (rank - 1)))] * unbatched
    return st.sampled_from((st.one_of(*forms), st.one_of(*forms), st.one_of(*many))).flatmap(lambda shapes: shapes)


def of_elements() -> st.SearchStrategy[tuple[int, ...]]:
    """Any shape; now and then large enough to count."""
    return st.sampled_from((SHAPES, SHAPES, st.just((40, 500)))).flatmap(lambda shapes: shapes)


def dropout_cases(shapes: st.SearchStrategy[tuple[int, ...]]) -> Callable[[str], st.SearchStrategy[Case]]:
    """Strategies by dtype."""

    @st.composite
    def drawn(draw: st.DrawFn, dtype: str) -> Case:
        data = draw(data_of(dtype))
        x = data.array("x", *draw(shapes))
        training = draw(st.sampled_from((True, True, False)))
        return data.case({"x": x}, p=draw(PROBABILITIES), training=training, seed=draw(st.integers(0, 9999)))

    return drawn


# The laws.


def identity_in_evaluation(trial: Trial, case: Case) -> None:
    """In evaluation, and with p = 0, nothing changes."""
    assert_same(trial.run(case.but(training=False))["output"], the_input(case), "evaluation changes its input")
    if np.isfinite(the_input(case).astype(float)).all():
        assert_same(trial.run(case.but(training=True, p=0.0))["output"], the_input(case), "p = 0 changes its input")


def nothing_is_left(trial: Trial, case: Case) -> None:
    """With p = 1 nothing is kept."""
    x = np.ones_like(the_input(case))
    assert_same(trial.run(case.but(x=x, training=True, p=1.0))["output"], 0 * x, "p = 1 keeps something")


def of_probability(
    name: str,
    call: Callable[..., Any],
    shapes: st.SearchStrategy[tuple[int, ...]],
    leading: Callable[[int], int] = oracles.elements,
    rejects: Any = None,
) -> Operation:
    """A module that drops elements, or channels: what the `leading` axes index."""
    return Operation(
        name=f"torch.nn.{name}",
        call=call,
        in_place=over_its_input(call),
        oracle=getattr(oracles, call.__name__),
        gradient=getattr(oracles, f"{call.__name__}_gradient"),
        shape=shape,
        cases=dropout_cases(shapes),
        chances=oracles.chances_of(leading, alpha="Alpha" in name),
        follows_subject=True,
        share=2.0,
        rejects={
            "p must not be negative": lambda case: case.but(p=-0.1),
            "p must be at most 1": lambda case: case.but(p=1.1),
            **(rejects or {}),
        },
        laws=(Law("evaluation is the identity", identity_in_evaluation), Law("p = 1 leaves nothing", nothing_is_left)),
        dtypes=FLOATS,
    )


def in_a_row(case: Case) -> Case:
    """The input without its axes."""
    return case.but(x=the_input(case).reshape(-1))


def further_axis(case: Case) -> Case:
    """The input with four axes."""
    x = the_input(case)
    return case.but(x=x[(..., *[None] * (4 - x.ndim))])


Dropout = of_probability("Dropout", dropout, of_elements())
Dropout1d = of_probability(
    "Dropout1d",
    dropout1d,
    of_channels(1, unbatched=True),
    oracles.channels(2),
    {"x must have channels and a side": in_a_row, "x must have one side only": further_axis},
)
Dropout2d = of_probability(
    "Dropout2d", dropout2d, st.one_of(of_channels(2, unbatched=False), of_channels(1, unbatched=False)), oracles.channels(0)
)
Dropout3d = of_probability("Dropout3d", dropout3d, of_channels(3, unbatched=True), oracles.channels(4))
AlphaDropout = of_probability("AlphaDropout", alpha_dropout, of_elements())
FeatureAlphaDropout = of_probability("FeatureAlphaDropout", feature_alpha_dropout, of_channels(3, unbatched=True), oracles.channels(4))

OPERATIONS = (Dropout, Dropout1d, Dropout2d, Dropout3d, AlphaDropout, FeatureAlphaDropout)
