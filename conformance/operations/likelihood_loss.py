"""Negative logarithms of likelihoods of numbers, and divergences of distributions."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import Case, Law, Operation, torch
from conformance.operations.elementwise import SHAPES, sprinkled
from conformance.operations.loss import MEAN, REGIMES, array, assert_close, longer, loss, number, numbers, options, probabilities
from conformance.strategies import Data, data_of
from oracles import likelihood_loss as oracles

FAR = (11.0, 20.0, 88.0, 89.0, 100.0, 710.0)
"""Where exponentials of some format overflow or vanish."""


def poisson_nll_loss(input: Any, target: Any, *, reduction: str, **options: Any) -> Any:
    return torch.nn.PoissonNLLLoss(reduction=reduction, **options)(input, target)


def gaussian_nll_loss(input: Any, target: Any, var: Any, *, var_number: float | None, reduction: str, **options: Any) -> Any:
    return torch.nn.GaussianNLLLoss(reduction=reduction, **options)(input, target, var_number if var is None else var)


def kl_div(input: Any, target: Any, *, reduction: str, log_target: bool) -> Any:
    return torch.nn.KLDivLoss(reduction=reduction, log_target=log_target)(input, target)


def counts(data: Data, *shape: int) -> np.ndarray:
    """What may have been counted: whole numbers around 0 and 1 and large ones, now and then others that are not negative."""
    rng, others = data.rng("counts"), np.abs(data.array("target", *shape))
    whole = rng.choice([0.0, 1.0, 2.0, 3.0, 17.0], shape)
    every = data.regime in ("integers", "constant")
    return np.asarray(np.where((rng.random(shape) < 0.4) | every, whole, others.astype(float))).astype(others.dtype)


@st.composite
def poisson_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Logarithms of rates up to where exp overflows, or rates."""
    data, shape = draw(data_of(dtype, REGIMES)), draw(SHAPES)
    chosen = options(draw, log_input=(True, False), full=(False, True), eps=(1e-8, 1e-3, 1.0))
    input = numbers(data, "input", *shape)
    input = input if chosen["log_input"] else np.asarray(np.abs(input))
    input = sprinkled(data, input, FAR) if chosen["log_input"] and draw(st.booleans()) else input
    return data.case({"input": input, "target": counts(data, *shape)}, **chosen)


@st.composite
def gaussian_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Variances of every element, of every row with and without its axis, some of them below eps; or one number for all."""
    data, shape = draw(data_of(dtype, REGIMES)), draw(SHAPES.filter(len))
    of_rows = draw(st.sampled_from(((), shape, shape[:-1], (*shape[:-1], 1))) if len(shape) > 1 else st.just(shape)) or shape
    var = np.asarray(np.abs(data.array("var", *of_rows)))
    var_number = draw(st.sampled_from((None, None, None, 1.0, 0.5, 0.1, 0.0, 3.0))) if takes_a_number() else None
    arrays = {"input": numbers(data, "input", *shape), "target": data.array("target", *shape)}
    chosen = options(draw, full=(False, True), eps=(1e-6, 1e-3, 1.0))
    return data.case({**arrays, "var": var if var_number is None else None}, var_number=var_number, **chosen)


def takes_a_number() -> bool:
    """Whether a variance may be one number: older versions of torch take arrays only."""
    return "float" in str(torch.nn.functional.gaussian_nll_loss.__annotations__.get("var", ""))


@st.composite
def kl_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Logarithms of one distribution and another, or its logarithms; not normalised, which nothing asks for."""
    data, shape = draw(data_of(dtype, REGIMES)), draw(SHAPES.filter(lambda shape: shape != ()))
    chosen = options(draw, log_target=(False, True))
    chosen["reduction"] = draw(st.sampled_from(("mean", "none", "sum", "batchmean")))
    target = data.array("target", *shape) if chosen["log_target"] else probabilities(data, "target", *shape)
    if chosen["log_target"]:
        target = -np.abs(target)
    elif draw(st.booleans()):
        target = np.where(data.rng("zeros").random(shape) < 0.3, np.zeros_like(target), target)
    return data.case({"input": np.asarray(-np.abs(numbers(data, "input", *shape))), "target": np.asarray(target)}, **chosen)


def of_the_logarithm(trial: Trial, case: Case) -> None:
    """The target and, with log_target, its logarithm give the same: exactly representable logarithms only."""
    input = array(case, "input")
    logs = np.zeros(input.shape, input.dtype)
    whole = case.but(target=np.asarray(np.exp(logs.astype(float))).astype(input.dtype), log_target=False)
    assert_close(trial, whole, trial.run(whole.but(target=logs, log_target=True))["output"], "log_target changes the loss")


def a_batch_of_sums(trial: Trial, case: Case) -> None:
    """batchmean times the batch is the sum."""
    length = len(array(case, "input"))
    total = case.but(reduction="sum")
    if length and case.regime in ("integers", "normal", "constant"):
        expected = trial.expected(case.but(reduction="batchmean"))["output"]
        low, high = (float(end) for end in expected.limits())
        scaled = np.asarray(number(trial, case.but(reduction="batchmean")) * length)
        assert_close(trial, total, scaled, "batchmean times the batch is not the sum", (high - low) * length)


def rates_or_logarithms(trial: Trial, case: Case) -> None:
    """A rate of 1 and its logarithm 0 give the same loss, without eps."""
    zeros = np.zeros(array(case, "input").shape, array(case, "input").dtype)
    if case.regime != "special":
        logs = case.but(input=zeros, log_input=True, eps=0.0)
        assert_close(trial, logs, trial.run(logs.but(input=zeros + 1, log_input=False))["output"], "log_input changes the loss")


def variance_of_rows(trial: Trial, case: Case) -> None:
    """A variance without the last axis is that variance for every element of the row."""
    var, input = case.arrays["var"], array(case, "input")
    if var is not None and var.ndim < input.ndim:
        every = np.ascontiguousarray(np.broadcast_to(var[..., None], input.shape))
        assert_close(trial, case, trial.run(case.but(var=every))["output"], "the variance of a row is not that of its elements")


def negative_variance(case: Case) -> Case | None:
    """One variance is −1."""
    if case.arrays["var"] is None:
        return case.but(var_number=-1.0)
    var = array(case, "var").copy()
    if not var.size:
        return None
    var.reshape(-1)[-1] = -1
    return case.but(var=var)


def other_variances(case: Case) -> Case | None:
    """A variance too many."""
    input = array(case, "input")
    shape = (*input.shape[:-1], input.shape[-1] + 1)
    return case.but(var=np.ones(shape, input.dtype)) if input.shape[-1] > 1 else None


PoissonNLLLoss = loss(
    "PoissonNLLLoss",
    poisson_nll_loss,
    oracles,
    cases=poisson_cases,
    laws=(MEAN, Law("a rate and its logarithm give the same", rates_or_logarithms)),
    rejects={"the target must have the input's shape": longer("target")},
)
GaussianNLLLoss = loss(
    "GaussianNLLLoss",
    gaussian_nll_loss,
    oracles,
    cases=gaussian_cases,
    laws=(MEAN, Law("a row's variance is that of its elements", variance_of_rows)),
    rejects={
        "variances must not be negative": negative_variance,
        "there must be a variance for each element or row": other_variances,
        "the target must have the input's shape": longer("target"),
    },
    abstract=False,
)
KLDivLoss = loss(
    "KLDivLoss",
    kl_div,
    oracles,
    cases=kl_cases,
    laws=(
        MEAN,
        Law("a target and its logarithm give the same", of_the_logarithm),
        Law("batchmean times the batch is the sum", a_batch_of_sums),
    ),
    rejects={"the target must have the input's shape": longer("target")},
)

OPERATIONS: tuple[Operation, ...] = (PoissonNLLLoss, GaussianNLLLoss, KLDivLoss)
