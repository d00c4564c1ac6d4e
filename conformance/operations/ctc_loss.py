"""Connectionist temporal classification."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import Case, Law, Operation, torch
from conformance.operations.laws import assert_same
from conformance.operations.loss import SUM, UNKNOWN_REDUCTION, array, assert_close, free_of_charge, option_is, options
from conformance.strategies import Data, data_of
from oracles import ctc_loss as oracles

WIDE = ("float64", "float32")


def ctc_loss(log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any, *, blank: int, **options: Any) -> Any:
    return torch.nn.CTCLoss(blank, **options)(log_probs, targets, input_lengths, target_lengths)


def ctc_loss_of_logits(input: Any, targets: Any, input_lengths: Any, target_lengths: Any, *, blank: int, **options: Any) -> Any:
    logs = torch.nn.functional.log_softmax(input, -1)
    return torch.nn.CTCLoss(blank, **options)(logs, targets, input_lengths, target_lengths)


def sequences(draw: st.DrawFn, data: Data, sides: tuple[int, ...], blank: int) -> dict[str, np.ndarray]:
    """Targets without blanks, concatenated or padded; lengths that fit, are just too short, or 0."""
    steps, batch, classes = sides
    rng = data.rng("targets")
    inputs = np.where(rng.random(batch) < 0.5, steps, rng.integers(0, steps + 1, batch))
    longest = draw(st.sampled_from((2, 1, 3, 4, 0))) if classes > 1 else 0
    sizes = np.where(rng.random(batch) < 0.5, longest, rng.integers(0, longest + 1, batch))
    sizes = np.where(rng.random(batch) < 0.7, np.minimum(sizes, (inputs + 1) // 2), sizes)  # so many fit, even if all labels are equal
    targets = rng.integers(0, max(1, classes - 1), (batch, longest + draw(st.integers(0, 1))))
    targets = targets + (targets >= blank)
    if draw(st.booleans()):
        targets = np.concatenate([row[:size] for row, size in zip(targets, sizes, strict=True)])
    return {"targets": targets, "input_lengths": inputs, "target_lengths": sizes}


def cases(name: str, logarithms: bool) -> Callable[[str], st.SearchStrategy[Case]]:
    """A few steps, sequences and classes, any of which is the blank; one sequence without its axis."""

    @st.composite
    def drawn(draw: st.DrawFn, dtype: str) -> Case:
        data = draw(data_of(dtype, ("integers", "normal", "constant", "wide", "cancelling", "subnormal")))
        sides = draw(st.sampled_from((4, 7, 5, 6, 3, 2, 1))), draw(st.integers(1, 3)), draw(st.sampled_from((3, 2, 4, 5, 3, 2, 1)))
        x = data.array(name, *sides).astype(float)
        if logarithms:
            x = x - np.max(x, axis=-1, keepdims=True)
            x = x - np.log(np.sum(np.exp(x), axis=-1, keepdims=True))
            impossible = data.rng("impossible").random(x.shape) < draw(st.sampled_from((0.0, 0.0, 0.2)))
            x = np.where(impossible & (data.regime == "normal"), -np.inf, x)
        blank = draw(st.integers(0, sides[2] - 1))
        arrays = {name: x.astype(data.array(name).dtype), **sequences(draw, data, sides, blank)}
        chosen = options(draw, zero_infinity=(False, True))
        if sides[1] == 1 and draw(st.booleans()):
            lengths = {key: np.asarray(arrays[key][0]) for key in ("input_lengths", "target_lengths")}
            targets = arrays["targets"].reshape(-1)[: lengths["target_lengths"]]
            arrays = {name: arrays[name][:, 0], "targets": targets, **lengths}
        return data.case(arrays, blank=blank, **chosen)

    return drawn


def of_sequences(*, input_lengths: Any, reduction: str, **others: Any) -> dict[str, Any]:
    """A loss for every sequence, or a single number."""
    return {"output": input_lengths if reduction == "none" else ()}


def padded_or_not(trial: Trial, case: Case) -> None:
    """Targets one after the other are as padded ones."""
    targets, sizes = array(case, "targets"), array(case, "target_lengths")
    if targets.ndim == 2:
        joined = np.concatenate([row[:size] for row, size in zip(targets, sizes, strict=True)])
        output = trial.run(case.but(targets=joined))["output"]
        assert_same(output, trial.run(case)["output"], "concatenated targets have another loss than padded ones")


def classes_renamed(trial: Trial, case: Case) -> None:
    """The names of the classes do not matter."""
    name = "log_probs" if "log_probs" in case.arrays else "input"
    x = array(case, name)
    last = x.shape[-1] - 1
    renamed = {name: np.ascontiguousarray(x[..., ::-1]), "targets": last - array(case, "targets")}
    turned = case.but(**renamed, blank=last - case.options["blank"])
    assert_close(trial, case, trial.run(turned)["output"], "renaming the classes changes the loss")


def mean_over_lengths(trial: Trial, case: Case) -> None:
    """The mean is that of the losses over their targets' lengths."""
    losses = trial.run(case.but(reduction="none"))["output"].astype(float)
    sizes = np.maximum(array(case, "target_lengths"), 1)
    with np.errstate(all="ignore"):
        low, high = trial.expected(case.but(reduction="none"))["output"].limits()
        width = float(np.sum(np.where(np.isfinite(high - low), high - low, 0.0)))
        assert_close(trial, case.but(reduction="mean"), np.asarray(np.mean(losses / sizes)), "the mean is not that of the losses", width)


def first_length(name: str, value: Callable[[Case], int]) -> Callable[[Case], Case]:
    """The first of the lengths is one that it must not be."""

    def broken(case: Case) -> Case:
        lengths = array(case, name).copy()
        lengths.reshape(-1)[0] = value(case)
        return case.but(**{name: lengths})

    return broken


def too_many_labels(case: Case) -> Case:
    """The first target is longer than the array that holds it."""
    return first_length("target_lengths", lambda case: array(case, "targets").shape[-1] + 1)(case)


LAWS = (
    SUM,
    Law("the mean is that of the losses over their targets' lengths", mean_over_lengths),
    Law("padding does not matter", padded_or_not),
    Law("the names of the classes do not matter", classes_renamed),
)
REJECTS = {
    **UNKNOWN_REDUCTION,
    "the blank must be a class": lambda case: case.but(blank=next(iter(case.arrays.values())).shape[-1]),
    "the blank must not be negative": option_is("blank", -1),
    "an input must not be longer than the array": first_length("input_lengths", lambda case: len(next(iter(case.arrays.values()))) + 1),
    "an input's length must not be negative": first_length("input_lengths", lambda case: -1),
    "a target must not be longer than the array": too_many_labels,
    "a target's length must not be negative": first_length("target_lengths", lambda case: -1),
}

CTCLoss = Operation(
    name="torch.nn.CTCLoss",
    call=ctc_loss,
    oracle=oracles.ctc_loss,
    gradient=oracles.ctc_loss_gradient,
    cases=cases("log_probs", logarithms=True),
    shape=of_sequences,
    cost=free_of_charge,
    laws=LAWS,
    rejects=REJECTS,
    dtypes=WIDE,
    abstract=False,
)
CTCLoss_Logits = replace(
    CTCLoss,
    variant="Logits",
    call=ctc_loss_of_logits,
    oracle=oracles.ctc_loss_of_logits,
    gradient=oracles.ctc_loss_of_logits_gradient,
    cases=cases("input", logarithms=False),
)

OPERATIONS: tuple[Operation, ...] = (CTCLoss, CTCLoss_Logits)
