"""Adaptive softmax and its loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial
from conformance.model import FLOATS, Case, Law, Operation, Shape, torch
from conformance.operations.classification_loss import batch_too_long
from conformance.operations.loss import REGIMES, array, numbers
from conformance.strategies import data_of
from oracles.adaptive_softmax import adaptive_log_softmax_with_loss, adaptive_log_softmax_with_loss_gradient

# The call.


def call(
    input: Any, target: Any, head: Any, head_bias: Any, into1: Any, out1: Any, into2: Any, out2: Any, *, cutoffs: Any, div_value: Any
) -> Any:
    """The module's forward and, for a batch, log_prob and predict, with its parameters given."""
    tails = [(into, out) for into, out in ((into1, out1), (into2, out2)) if into is not None]
    classes = len(head) - len(tails) + sum(len(out) for _, out in tails)
    layer = torch.nn.AdaptiveLogSoftmaxWithLoss(
        head.shape[1], classes, cutoffs, div_value=div_value, head_bias=head_bias is not None, device="meta"
    )
    given = {"layer.head.weight": head} if head_bias is None else {"layer.head.weight": head, "layer.head.bias": head_bias}
    for i, (into, out) in enumerate(tails):
        given |= {f"layer.tail.{i}.0.weight": into, f"layer.tail.{i}.1.weight": out}
    frame = torch.nn.Module()
    frame.layer = layer

    def forward(x: Any, wanted: Any) -> dict[str, Any]:
        found = dict(zip(("output", "loss"), layer(x, wanted), strict=True))
        return {**found, "log_prob": layer.log_prob(x), "predict": layer.predict(x)} if x.ndim == 2 else found

    frame.forward = forward
    return torch.func.functional_call(frame, given, (input, target))


def shape(input: Shape, target: Shape, head: Shape, out1: Shape, out2: Shape | None, **others: Any) -> dict[str, Shape]:
    """(N,) or (), a number; of a batch every class, and the best one."""
    found: dict[str, Shape] = {"output": target, "loss": ()}
    tails = [out[0] for out in (out1, out2) if out is not None]
    return {**found, "log_prob": (*target, head[0] - len(tails) + sum(tails)), "predict": target} if len(input) == 2 else found


# The cases.


@st.composite
def cases(draw: st.DrawFn, dtype: str) -> Case:
    """One cluster or two of one class or more, of a batch, an empty one, or a single vector."""
    data, batch = draw(data_of(dtype, REGIMES)), draw(st.sampled_from((1, 2, 3, 8, 0, None)))
    features, div_value = draw(st.sampled_from(((4, 2.0), (4, 1.0), (5, 1.5), (16, 4.0), (3, 1.0))))
    short, sizes = draw(st.integers(1, 4)), draw(st.lists(st.integers(1, 4), min_size=1, max_size=2))
    cutoffs = tuple(int(c) for c in np.cumsum([short, *sizes[:-1]]))
    arrays: dict[str, np.ndarray | None] = {
        "input": numbers(data, "input", *(() if batch is None else (batch,)), features),
        "target": np.asarray(data.rng("target").integers(0, short + sum(sizes), () if batch is None else (batch,))),
        "head": data.array("head", short + len(sizes), features),
        "head_bias": data.array("head_bias", short + len(sizes)) if draw(st.booleans()) else None,
    }
    for i in (1, 2):
        hidden, present = int(features // div_value**i), i <= len(sizes)
        arrays[f"into{i}"] = data.array(f"into{i}", hidden, features) if present else None
        arrays[f"out{i}"] = data.array(f"out{i}", sizes[i - 1], hidden) if present else None
    return data.case(arrays, cutoffs=cutoffs, div_value=div_value)


# Constraints and laws.


def target_is(index: Callable[[Case], int]) -> Callable[[Case], Case | None]:
    """The first target is a class that there is not."""

    def broken(case: Case) -> Case | None:
        target = array(case, "target").copy()
        if not target.size:
            return None
        target.flat[0] = index(case)
        return case.but(target=target)

    return broken


def classes_of(case: Case) -> int:
    """The number of classes."""
    return int(case.options["cutoffs"][0]) + sum(len(out) for out in (case.arrays["out1"], case.arrays["out2"]) if out is not None)


REJECTS: dict[str, Callable[[Case], Case | None]] = {
    "a target must be less than the number of classes": target_is(classes_of),
    "a target must not be negative": target_is(lambda case: -1),
    "there must be a target for every input": batch_too_long,
    "there must be a cutoff": lambda case: case.but(cutoffs=()),
    "cutoffs must be positive": lambda case: case.but(cutoffs=(0, *case.options["cutoffs"])),
    "cutoffs must be unique": lambda case: case.but(cutoffs=(case.options["cutoffs"][0], *case.options["cutoffs"])),
    "cutoffs must be less than the number of classes": lambda case: case.but(cutoffs=(*case.options["cutoffs"], classes_of(case))),
}


def likeliest(trial: Trial, case: Case) -> None:
    """No class has a larger logarithm than the predicted one, up to what is accepted of both."""
    results = trial.run(case)
    if case.regime == "special" or "predict" not in results:
        return
    low, high = (np.asarray(end) for end in trial.expected(case)["log_prob"].limits())
    chosen = np.take_along_axis(high, results["predict"][:, None], axis=-1)
    if np.any(chosen < np.max(low, axis=-1, keepdims=True)):
        raise Disagreement("the predicted class is not the likeliest", result="predict")


AdaptiveLogSoftmaxWithLoss = Operation(
    name="torch.nn.AdaptiveLogSoftmaxWithLoss",
    call=call,
    oracle=adaptive_log_softmax_with_loss,
    gradient=adaptive_log_softmax_with_loss_gradient,
    cases=cases,
    shape=shape,
    result_dtypes={"predict": "int64"},
    abstract=False,
    rejects=REJECTS,
    laws=(Law("the predicted class is the likeliest", likeliest),),
    dtypes=FLOATS,
)

OPERATIONS: tuple[Operation, ...] = (AdaptiveLogSoftmaxWithLoss,)
