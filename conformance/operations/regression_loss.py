"""Losses of numbers against numbers: absolute, squared, and from one to the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import Case, Law, Operation, torch
from conformance.operations.elementwise import SHAPES, room
from conformance.operations.laws import assert_same
from conformance.operations.loss import MEAN, REGIMES, assert_close, beside, exchanged, longer, loss, numbers, option_is, options
from conformance.strategies import data_of
from oracles import regression_loss as oracles


def l1_loss(input: Any, target: Any, *, reduction: str) -> Any:
    return torch.nn.L1Loss(reduction=reduction)(input, target)


def mse_loss(input: Any, target: Any, *, reduction: str) -> Any:
    return torch.nn.MSELoss(reduction=reduction)(input, target)


def smooth_l1_loss(input: Any, target: Any, *, reduction: str, beta: float) -> Any:
    return torch.nn.SmoothL1Loss(reduction=reduction, beta=beta)(input, target)


def huber_loss(input: Any, target: Any, *, reduction: str, delta: float) -> Any:
    return torch.nn.HuberLoss(reduction=reduction, delta=delta)(input, target)


def cases(**values: Sequence[Any]) -> Callable[[str], st.SearchStrategy[Case]]:
    """Numbers and targets of any shape, a third of them apart by nothing or by a number of the options."""

    @st.composite
    def drawn(draw: st.DrawFn, dtype: str) -> Case:
        data = draw(data_of(dtype, REGIMES))
        input = numbers(data, "input", *draw(SHAPES))
        chosen = options(draw, **values)
        gaps = [float(value) for value in chosen.values() if isinstance(value, (int, float))]
        return data.case({"input": input, "target": beside(data, input, data.array("target", *input.shape), gaps)}, **chosen)

    return drawn


def smooth_is_l1(trial: Trial, case: Case) -> None:
    """SmoothL1Loss with beta 0 is L1Loss."""
    plain = replace(case, options={"reduction": case.options["reduction"]})
    assert_same(trial.run(case.but(beta=0.0))["output"], trial.backend.run(L1Loss, plain)["output"], "with beta 0 it is not L1Loss")


def huber_is_smooth(trial: Trial, case: Case) -> None:
    """HuberLoss is delta · SmoothL1Loss with beta = delta."""
    if case.regime != "special":
        delta = case.options["delta"]
        smooth = replace(case, options={"reduction": case.options["reduction"], "beta": delta})
        other = delta * trial.backend.run(SmoothL1Loss, smooth)["output"].astype(float)
        with np.errstate(all="ignore"):
            width = delta * room(replace(trial, operation=SmoothL1Loss), smooth)
        assert_close(trial, case, other, "HuberLoss is not delta · SmoothL1Loss", width)


SHAPES_DIFFER = {"the target must have the input's shape": longer("target")}
EXCHANGED = exchanged("input", "target")

L1Loss = loss("L1Loss", l1_loss, oracles, cases=cases(), laws=(MEAN, EXCHANGED), rejects=SHAPES_DIFFER)
MSELoss = loss("MSELoss", mse_loss, oracles, cases=cases(), laws=(MEAN, EXCHANGED), rejects=SHAPES_DIFFER)
SmoothL1Loss = loss(
    "SmoothL1Loss",
    smooth_l1_loss,
    oracles,
    cases=cases(beta=(1.0, 0.0, 2.0, 0.1, 0.5, 3, 1e-5, 100.0)),
    laws=(MEAN, EXCHANGED, Law("beta 0 is L1Loss", smooth_is_l1)),
    rejects={"beta must not be negative": option_is("beta", -1.0), **SHAPES_DIFFER},
)
HuberLoss = loss(
    "HuberLoss",
    huber_loss,
    oracles,
    cases=cases(delta=(1.0, 2.0, 0.1, 0.5, 3, 1e-2, 100.0)),
    laws=(MEAN, EXCHANGED, Law("HuberLoss is delta times SmoothL1Loss", huber_is_smooth)),
    rejects={
        "delta must not be zero": option_is("delta", 0.0),
        "delta must not be negative": option_is("delta", -1.0),
        **SHAPES_DIFFER,
    },
)

OPERATIONS: tuple[Operation, ...] = (L1Loss, MSELoss, SmoothL1Loss, HuberLoss)
