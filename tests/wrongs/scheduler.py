"""What is wrong on purpose in schedulers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from tests.miniatures import Call, Miniature, fresh_state, never_refuses, with_inputs, with_options, with_result


def scaled(factor: float) -> Callable[[Call], Call]:
    """Every rate is a little too large."""
    return with_result("lr", lambda lr: lr * factor)


def in_float32(call: Call) -> Call:
    """Rates are kept in float32."""
    return with_result("lr", lambda lr: lr.float().double())(call)


def late(name: str) -> Callable[[Call], Call]:
    """What should happen at an epoch happens one epoch later."""
    return with_inputs(lambda arguments: {**arguments, name: arguments[name] + 1})


def first_group_only(call: Call) -> Call:
    """All groups have the rate of the first."""
    return with_result("lr", lambda lr: lr[:, :1].expand_as(lr).clone())(call)


def last_rate_once_more(call: Call) -> Call:
    """What the scheduler says is the rate before the present one."""
    return with_result("last_lr", lambda lr: torch.cat([lr[:1], lr[:-1]]))(call)


def nan_is_an_improvement(arguments: dict[str, Any]) -> dict[str, Any]:
    """NaN is taken for the best metric that there is."""
    best = float("-inf") if arguments["mode"] == "min" else float("inf")
    return {**arguments, "given": tuple(best if math.isnan(metric) else metric for metric in arguments["given"])}


def later_milestones(arguments: dict[str, Any]) -> dict[str, Any]:
    """Milestones are passed one epoch too late."""
    return {**arguments, "milestones": tuple(milestone + 1 for milestone in arguments["milestones"])}


def longer_unless_told(arguments: dict[str, Any]) -> dict[str, Any]:
    """The decay is one epoch longer where epochs are counted."""
    return {**arguments, "total_iters": arguments["total_iters"] + (arguments["given"] is None)}


def told_early(arguments: dict[str, Any]) -> dict[str, Any]:
    """Half an epoch is taken off what step() is told."""
    given = arguments["given"]
    return {**arguments, "given": given and tuple(None if epoch is None else max(0, epoch - 0.5) for epoch in given)}


def impatient(arguments: dict[str, Any]) -> dict[str, Any]:
    """The rate is reduced an epoch too early."""
    return {**arguments, "patience": max(0, arguments["patience"] - 1)}


def without_the_last(arguments: dict[str, Any]) -> dict[str, Any]:
    """The last scheduler of several is forgotten."""
    return {**arguments, "schedulers": arguments["schedulers"][:-1] or arguments["schedulers"]}


def wrapped_once_more(call: Call) -> Call:
    """A scheduler alone is half as fast."""

    def wrong(**arguments: Any) -> Any:
        results = call(**arguments)
        return results if len(arguments["schedulers"]) > 1 else {**results, "lr": results["lr"] / 2}

    return wrong


MINIATURES = [
    Miniature("a rate is off by one part in 10¹²", "forward", "LambdaLR", "float64", scaled(1 + 1e-12)),
    Miniature("all groups have the first one's rate", "forward", "MultiplicativeLR", "float64", first_group_only),
    Miniature("a step is one epoch longer", "forward", "StepLR", "float64", late("step_size")),
    Miniature("rates are kept in float32", "forward", "StepLR", "float64", in_float32),
    Miniature("gamma is always a half", "forward", "MultiStepLR", "float64", with_options(gamma=0.5)),
    Miniature("milestones are passed too late", "forward", "MultiStepLR", "float64", with_inputs(later_milestones)),
    Miniature("the factor is undone one epoch later", "forward", "ConstantLR", "float64", late("total_iters")),
    Miniature("the end is always 1", "forward", "LinearLR", "float64", with_options(end_factor=1.0)),
    Miniature("the rate said is the one before", "forward", "ExponentialLR", "float64", last_rate_once_more),
    Miniature("the decay is linear", "forward", "PolynomialLR", "float64", with_options(power=1.0)),
    Miniature("the product form is one epoch longer", "laws", "PolynomialLR", "float64", with_inputs(longer_unless_told)),
    Miniature("there is no minimum", "forward", "CosineAnnealingLR", "float64", with_options(eta_min=0.0)),
    Miniature("what was saved is not loaded", "state", "CosineAnnealingLR", "float64", fresh_state),
    Miniature("rates do not grow with the initial rate", "laws", "ExponentialLR", "float64", with_result("lr", lambda lr: lr + 1e-3)),
    Miniature("nothing is refused", "rejects", "LinearLR", "float64", never_refuses),
    Miniature("cycles do not shrink", "forward", "CyclicLR", "float64", with_options(mode="triangular")),
    Miniature("down is as long as up", "forward", "CyclicLR", "float64", with_options(step_size_down=None)),
    Miniature("a step behind", "laws", "CyclicLR", "float64", with_result("lr", lambda lr: lr.roll(1, 0) + 1e-3)),
    Miniature("what was saved is not loaded", "state", "CyclicLR", "float64", fresh_state),
    Miniature("there are two phases only", "forward", "OneCycleLR", "float64", with_options(three_phase=False)),
    Miniature("momentum is not cycled inversely", "forward", "OneCycleLR", "float64", with_result("momentum", lambda m: m.flip(0))),
    Miniature(
        "there are several peaks",
        "laws",
        "OneCycleLR",
        "float64",
        with_result("lr", lambda lr: lr * (1 + torch.arange(len(lr))[:, None] % 2)),
    ),
    Miniature("there is no minimum", "forward", "CosineAnnealingWarmRestarts", "float64", with_options(eta_min=0.0)),
    Miniature("epochs that are told come early", "laws", "CosineAnnealingWarmRestarts", "float64", with_inputs(told_early)),
    Miniature("annealing is always linear", "forward", "SWALR", "float64", with_options(anneal_strategy="linear")),
    Miniature("the end is never reached", "laws", "SWALR", "float64", scaled(1 - 1e-9)),
    Miniature("milestones are passed too late", "forward", "SequentialLR", "float64", with_inputs(later_milestones)),
    Miniature("a scheduler alone is half as fast", "laws", "SequentialLR", "float64", wrapped_once_more),
    Miniature("what was saved is not loaded", "state", "SequentialLR", "float64", fresh_state),
    Miniature("the last scheduler is forgotten", "forward", "ChainedScheduler", "float64", with_inputs(without_the_last)),
    Miniature("the last scheduler is forgotten", "laws", "ChainedScheduler", "float64", with_inputs(without_the_last)),
    Miniature("there is one epoch less of patience", "forward", "ReduceLROnPlateau", "float64", with_inputs(impatient)),
    Miniature("the cooldown is one epoch longer", "forward", "ReduceLROnPlateau", "float64", late("cooldown")),
    Miniature("the threshold is always 1", "forward", "ReduceLROnPlateau", "float64", with_options(threshold=1.0)),
    Miniature("NaN is an improvement", "forward", "ReduceLROnPlateau", "float64", with_inputs(nan_is_an_improvement)),
    Miniature("min_lr is 0", "forward", "ReduceLROnPlateau", "float64", with_options(min_lr=0.0)),
    Miniature("max is taken for min", "laws", "ReduceLROnPlateau", "float64", with_options(mode="min")),
    Miniature(
        "one rate changes from call to call",
        "determinism",
        "ReduceLROnPlateau",
        "float64",
        with_result("lr", lambda lr: lr + torch.rand(1)),
    ),
]
