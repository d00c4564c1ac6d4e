"""Gradients kept small, parameters kept sparse: clipping by norm and by value, the L1 penalty."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial
from conformance.model import FLOATS, Case, Law, Operation, Shape, torch
from conformance.operations.laws import assert_same
from conformance.operations.optimizer import OWN, REGIMES, SCALED, SHAPES, one_of_each
from conformance.strategies import Data, data_of
from oracles import clipping


def parameters_of(first: Any, second: Any, missing: Any) -> Any:
    """Parameters that have these gradients, but for one that may have none."""
    parameters = {name: torch.nn.Parameter(torch.zeros_like(g)) for name, g in (("first", first), ("second", second))}
    for name, g in (("first", first), ("second", second)):
        parameters[name].grad = None if name == missing else g
    return parameters


def call_clip_grad_norm(first: Any, second: Any, missing: Any, **options: Any) -> Any:
    """The gradients after clipping, and the norm that they had."""
    parameters = parameters_of(first, second, missing)
    total = torch.nn.utils.clip_grad_norm_(parameters.values(), **options)
    return {"total_norm": total, **{name: p.grad for name, p in parameters.items() if p.grad is not None}}


def call_clip_grad_value(first: Any, second: Any, missing: Any, **options: Any) -> Any:
    """The gradients after clipping."""
    parameters = parameters_of(first, second, missing)
    torch.nn.utils.clip_grad_value_(parameters.values(), **options)
    return {name: p.grad for name, p in parameters.items() if p.grad is not None}


def call_l1_penalty(first: Any, second: Any, strength: Any) -> Any:
    """The penalty as an L1 loss against zeros."""
    losses = [torch.nn.functional.l1_loss(x, torch.zeros_like(x), reduction="sum") for x in (first, second)]
    return strength * losses[0] + strength * losses[1]


def clipped_shape(first: Shape, second: Shape, **options: Any) -> dict[str, Shape]:
    """Gradients keep their shape; the norm is one number."""
    kept = {name: shape for name, shape in (("first", first), ("second", second)) if name != options["missing"]}
    return {**kept, "total_norm": ()} if "norm_type" in options else kept


def penalty_shape(**_: Any) -> dict[str, Shape]:
    """One number."""
    return {"output": ()}


NORMS = one_of_each(
    {
        "max_norm": (1.0, 0.5, 100.0, 0.0, 1e-3),
        "norm_type": (2.0, 1.0, np.inf, "inf", 3.0, 0.5, 0.0, 4.0, -np.inf),
        "error_if_nonfinite": (False, True),
        "foreach": (None, False, True),
        "missing": (None, None, "second", "first"),
    }
)
VALUES = one_of_each(
    {"clip_value": (1.0, 0.5, 0.1, 0.0, 1e-3, np.inf), "foreach": (None, False, True), "missing": (None, None, "second", "first")}
)


@st.composite
def gradients(draw: st.DrawFn, dtype: str) -> tuple[Data, dict[str, np.ndarray]]:
    """Two gradients of any shape."""
    data = draw(data_of(dtype, (*REGIMES, "special", "special")))
    return data, {name: data.array(name, *draw(SHAPES)) for name in OWN}


@st.composite
def norm_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Every order of the norm; an error if it is not finite only where it is."""
    (data, arrays), options = draw(gradients(dtype)), draw(NORMS)
    sure = data.regime in SCALED and float(options["norm_type"]) >= 1
    return data.case(arrays, **{**options, "error_if_nonfinite": options["error_if_nonfinite"] and sure})


@st.composite
def value_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Every limit."""
    data, arrays = draw(gradients(dtype))
    return data.case(arrays, **draw(VALUES))


@st.composite
def penalty_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Every strength."""
    data, arrays = draw(gradients(dtype))
    return data.case(arrays, strength=draw(st.sampled_from((1.0, 0.5, 0.01, 0.0))))


def with_an_infinity(case: Case) -> Case | None:
    """A gradient of which one element is infinite, and an error is asked for."""
    first = np.array(case.arrays["first"])
    if not first.size:
        return None
    first.reshape(-1)[0] = np.inf
    return case.but(first=first, missing=None, norm_type=2.0, error_if_nonfinite=True)


def is_one_vector(trial: Trial, case: Case) -> None:
    """The norm of several gradients is that of one long gradient, and they are clipped alike: exact where the order is ∞."""
    plain = case.but(norm_type=np.inf, missing=None)
    both = [np.asarray(case.arrays[name]).reshape(-1) for name in OWN]
    if not all(part.size for part in both):
        return
    apart, together = trial.run(plain), trial.run(plain.but(first=np.concatenate(both), second=both[1][:1]))
    assert_same(together["total_norm"], apart["total_norm"], "the norm of two gradients is not that of one vector")
    assert_same(together["first"][: len(both[0])], apart["first"].reshape(-1), "one long gradient is clipped otherwise")


def shrinks(trial: Trial, case: Case) -> None:
    """No element grows, and none changes its sign."""
    for name, clipped in trial.run(case).items():
        if name in OWN:
            before = np.asarray(case.arrays[name], float)
            with np.errstate(invalid="ignore"):
                wrong = (np.abs(clipped.astype(float)) > np.abs(before)) | (clipped.astype(float) * before < 0)
            if wrong.any():
                raise Disagreement(f"an element of {name} grows or changes its sign", result=name)


def once_is_enough(trial: Trial, case: Case) -> None:
    """Clipping clipped values changes nothing."""
    once = trial.run(case)
    again = trial.run(case.but(**once))
    for name, clipped in once.items():
        assert_same(again[name], clipped, f"{name} is clipped once more")


clip_grad_norm_ = Operation(
    name="torch.nn.utils.clip_grad_norm_",
    call=call_clip_grad_norm,
    oracle=clipping.clip_grad_norm,
    cases=norm_cases,
    shape=clipped_shape,
    follows_subject=True,
    abstract=False,
    pure=False,
    rejects={"a norm that is not finite is an error if asked": with_an_infinity},
    laws=(Law("all gradients are one vector", is_one_vector), Law("clipping shrinks", shrinks)),
    dtypes=FLOATS,
)

clip_grad_value_ = Operation(
    name="torch.nn.utils.clip_grad_value_",
    call=call_clip_grad_value,
    oracle=clipping.clip_grad_value,
    cases=value_cases,
    shape=clipped_shape,
    abstract=False,
    pure=False,
    laws=(Law("clipping shrinks", shrinks), Law("once is enough", once_is_enough)),
    dtypes=FLOATS,
)

L1Penalty = Operation(
    name="torch.nn.functional.l1_loss",
    variant="Penalty",
    call=call_l1_penalty,
    oracle=clipping.l1_penalty,
    gradient=clipping.l1_penalty_gradient,
    cases=penalty_cases,
    shape=penalty_shape,
    dtypes=FLOATS,
)

OPERATIONS = (clip_grad_norm_, clip_grad_value_, L1Penalty)
