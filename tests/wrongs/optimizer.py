"""What is wrong on purpose in optimizers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from tests.miniatures import (
    Call,
    Miniature,
    fresh_state,
    never_refuses,
    reads_memory_in_order,
    with_inputs,
    with_options,
    with_result,
    writes_its_input,
)

GRADIENTS = ("first_gradients", "second_gradients")


def with_changed(**changes: Callable[[Any], Any]) -> Callable[[Call], Call]:
    """Options are changed before they are used."""
    return with_inputs(lambda arguments: {**arguments, **{name: change(arguments[name]) for name, change in changes.items()}})


def with_gradients(change: Callable[[Any], Any]) -> Callable[[Call], Call]:
    """Gradients are changed before they are used."""
    return with_inputs(lambda arguments: {**arguments, **{name: change(arguments[name]) for name in GRADIENTS}})


def where(condition: Callable[[dict[str, Any]], bool], alter: Callable[[Call], Call]) -> Callable[[Call], Call]:
    """A mistake in some calls only."""
    return lambda call: lambda **arguments: (alter(call) if condition(arguments) else call)(**arguments)


def without_the_last(path: Any) -> Any:
    """A path that is one step short."""
    return path[:-1]


def squared(g: Any) -> Any:
    """A gradient that counts more the larger it is."""
    return g * g.abs()


def with_lr_of_the_gradient(arguments: dict[str, Any]) -> dict[str, Any]:
    """Steps as long as the gradient is large."""
    return {**arguments, "lr": arguments["lr"] * (1 + float(arguments["first_gradients"].double().abs().sum()))}


def searching_nothing(arguments: dict[str, Any]) -> dict[str, Any]:
    """A line search that takes a long step as it is."""
    return {**arguments, "line_search_fn": None, "lr": 4.0} if arguments.get("line_search_fn") else arguments


def larger(coefficients: tuple[float, ...]) -> tuple[float, ...]:
    """All of them by a tenth."""
    return tuple(1.1 * c for c in coefficients)


def tall(arguments: dict[str, Any]) -> bool:
    """Whether the first matrix has more rows than columns."""
    return bool(arguments["first"].shape[0] > arguments["first"].shape[1])


DESCENT = [
    Miniature("dampening is ignored", "forward", "SGD", "float64", with_options(dampening=0.0)),
    Miniature(
        "Nesterov's momentum is halved", "forward", "SGD", "float64", where(lambda a: a["nesterov"], with_changed(momentum=lambda m: m / 2))
    ),
    Miniature("weight decay is ignored", "forward", "SGD", "float32", with_options(weight_decay=0.0)),
    Miniature("the second group has the first one's settings", "forward", "SGD", "float32", with_options(own=())),
    Miniature("steps that are to be skipped happen", "forward", "SGD", "float64", with_options(skipped=())),
    Miniature("what was saved is not loaded", "state", "SGD", "float32", fresh_state),
    Miniature("minimize is all it knows", "laws", "SGD", "float32", with_options(maximize=False)),
    Miniature("large gradients count more", "laws", "SGD", "float32", with_gradients(squared)),
    Miniature(
        "all but single-tensor steps are longer",
        "laws",
        "SGD",
        "float32",
        where(lambda a: a["implementation"] != "single", with_changed(lr=lambda lr: lr * 1.001)),
    ),
    Miniature("whatever is asked, it steps", "rejects", "SGD", "float32", never_refuses),
    Miniature("a step is missing at the end", "shape", "SGD", "float32", with_result("first", without_the_last)),
    Miniature("averaging begins a step late", "forward", "ASGD", "float32", with_changed(t0=lambda t: t + 1)),
    Miniature("the decay of the rate is off in the fifth digit", "forward", "ASGD", "float32", with_changed(lambd=lambda x: x * 1.0001)),
    Miniature("steps grow a little fast", "forward", "Rprop", "float32", with_changed(etas=lambda e: (e[0], 1.001 * e[1]))),
    Miniature("steps are as long as the gradient", "laws", "Rprop", "float32", with_inputs(with_lr_of_the_gradient)),
]
ADAM = [
    Miniature("eps is ignored", "forward", "Adam", "float32", with_options(eps=0.0)),
    Miniature(
        "the second beta is off in the fifth digit", "forward", "AdamW", "float32", with_changed(betas=lambda b: (b[0], b[1] * 0.9999))
    ),
    Miniature("the largest moment is forgotten", "forward", "AdamW", "float64", with_options(amsgrad=False)),
    Miniature("the steps are counted from 1", "forward", "NAdam", "float32", with_result("first_step", lambda path: path + 1)),
    Miniature("the momentum does not decay", "forward", "NAdam", "float32", with_options(momentum_decay=0.0)),
    Miniature(
        "NaN is read as 0", "forward", "NAdam", "float32", with_gradients(lambda g: torch.nan_to_num(g, nan=0.0, posinf=None, neginf=None))
    ),
    Miniature("the moments know of decoupled decay", "laws", "RAdam", "float32", with_options(decoupled_weight_decay=False)),
    Miniature("the first step is a little long", "laws", "Adamax", "float32", with_changed(lr=lambda lr: lr * 1.00001)),
    Miniature(
        "rows that are repeated count twice",
        "laws",
        "SparseAdam",
        "float32",
        where(lambda a: a["gradients"] == "repeated", with_gradients(lambda g: 2 * g)),
    ),
    Miniature("strides are ignored", "layout", "Adamax", "float32", reads_memory_in_order),
    Miniature("what was saved is not loaded", "state", "RAdam", "float32", fresh_state),
]
RATES = [
    Miniature("the sum begins at 0", "forward", "Adagrad", "float32", with_options(initial_accumulator_value=0.0)),
    Miniature("the rate decays from the second step", "forward", "Adagrad", "float64", with_changed(lr_decay=lambda d: d / 2)),
    Miniature("centered is ignored", "forward", "RMSprop", "float32", with_options(centered=False)),
    Miniature("rho is off in the fifth digit", "forward", "Adadelta", "float32", with_changed(rho=lambda r: r * 0.9999)),
    Miniature("what was saved is not loaded", "state", "Adadelta", "float32", fresh_state),
]
MATRICES = [
    Miniature("updates are never clipped", "forward", "Adafactor", "float64", with_options(d=1e9)),
    Miniature("weight decay is ignored", "forward", "Adafactor", "float64", with_options(weight_decay=0.0)),
    Miniature("the second moment decays otherwise", "forward", "Adafactor", "float64", with_changed(beta2_decay=lambda x: x - 0.001)),
    Miniature("polynomials are a tenth too large", "forward", "Muon", "float32", with_changed(ns_coefficients=larger)),
    Miniature("the rate is never adjusted", "forward", "Muon", "float32", with_options(adjust_lr_fn="match_rms_adamw")),
    Miniature("tall matrices take longer steps", "laws", "Muon", "float32", where(tall, with_changed(lr=lambda lr: 2 * lr))),
    Miniature("Nesterov's steps are longer", "laws", "Muon", "float32", where(lambda a: a["nesterov"], with_changed(lr=lambda lr: 2 * lr))),
]
MEMORY = [
    Miniature("one pair is all it remembers", "forward", "LBFGS", "float64", with_options(history_size=1)),
    Miniature("the first step is as long as lr says", "forward", "LBFGS", "float32", with_changed(lr=lambda lr: lr * 1.00001)),
    Miniature(
        "the last iteration is left out",
        "laws",
        "LBFGS",
        "float32",
        where(lambda a: a.get("max_iter", 1) > 1, with_changed(max_iter=lambda n: n - 1)),
    ),
    Miniature("no line is searched", "laws", "LBFGS", "float32", with_inputs(searching_nothing)),
    Miniature("the matrix is changed", "purity", "LBFGS", "float32", writes_its_input),
    Miniature("what was saved is not loaded", "state", "LBFGS", "float32", fresh_state),
]
MINIATURES = [*DESCENT, *ADAM, *RATES, *MATRICES, *MEMORY]
