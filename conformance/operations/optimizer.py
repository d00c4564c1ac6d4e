"""Optimizers: a path of parameters along given gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial
from conformance.model import FLOATS, Case, Law, Operation, torch
from conformance.operations.laws import assert_same
from conformance.strategies import data_of, side
from oracles.optimizer import sgd

IMPLEMENTATIONS = {"default": {}, "single": {"foreach": False}, "foreach": {"foreach": True}, "fused": {"fused": True}}
OWN = ("first", "second")


def optimizer_of(parameters: Any, lr: Any, second_lr: Any, implementation: str, **options: Any) -> Any:
    """An optimizer of two parameters, in one group or in two."""
    first, second = parameters
    groups = [first, second] if second_lr is None else [{"params": [first]}, {"params": [second], "lr": second_lr}]
    return torch.optim.SGD(groups, lr=lr, **options, **IMPLEMENTATIONS.get(implementation, {"foreach": True, "fused": True}))


def call(first: Any, second: Any, first_gradients: Any, second_gradients: Any, missing: Any, resume_at: Any, **options: Any) -> Any:
    """The parameters after each step, and their momentum buffers (zeros before there are any)."""
    parameters = [torch.nn.Parameter(first), torch.nn.Parameter(second)]
    optimizer = optimizer_of(parameters, **options)
    seen: dict[str, list[Any]] = {}
    for t, gradients in enumerate(zip(first_gradients, second_gradients)):  # noqa: B905 — of one length, as all cases are
        if t == resume_at:
            state = optimizer.state_dict()
            optimizer = optimizer_of(parameters, **options)
            optimizer.load_state_dict(state)
        for parameter, gradient, late in zip(parameters, gradients, (False, t == missing)):  # noqa: B905
            parameter.grad = None if late else gradient
        optimizer.step()
        for name, parameter in zip(OWN, parameters):  # noqa: B905
            seen.setdefault(name, []).append(parameter.detach().clone())
            if options["momentum"]:
                buffer = optimizer.state[parameter].get("momentum_buffer")
                seen.setdefault(name + "_momentum", []).append(torch.zeros_like(parameter) if buffer is None else buffer.clone())
    return {name: torch.stack(path) for name, path in seen.items()}


def shape(first: Any, second: Any, first_gradients: Any, second_gradients: Any, **options: Any) -> dict[str, Any]:
    """Paths are as long as the gradients."""
    paths = {"first": first_gradients, "second": second_gradients}
    return {**paths, **{f"{name}_momentum": path for name, path in paths.items() if options["momentum"]}}


SHAPES = st.one_of(st.tuples(side(1, 6)), st.tuples(st.integers(1, 4), side(1, 6)), st.tuples(*[st.integers(1, 3)] * 3))
RATES = st.sampled_from((0.5, 0.1, 1.0, 0.01, 0.0, 1e-3))
SHARES = st.sampled_from((0.0, 0.9, 0.5, 1.0, 0.99))


@st.composite
def cases(draw: st.DrawFn, dtype: str) -> Case:
    """Up to five steps of two parameters; every option of the constructor."""
    data, steps = draw(data_of(dtype)), draw(st.integers(1, 5))
    arrays = {}
    for name in OWN:
        sides = draw(SHAPES)
        arrays[name] = data.array(name, *sides)
        arrays[f"{name}_gradients"] = data.array(f"{name}_gradients", steps, *sides)
    momentum = draw(SHARES)
    nesterov = draw(st.booleans()) and momentum > 0
    return data.case(
        {name: arrays[name] for name in ("first", "second", "first_gradients", "second_gradients")},
        lr=draw(RATES),
        second_lr=draw(st.one_of(st.none(), RATES)),
        momentum=momentum,
        dampening=0.0 if nesterov else draw(SHARES),
        weight_decay=draw(st.sampled_from((0.0, 0.5, 0.01, 1e-4))),
        nesterov=nesterov,
        maximize=draw(st.booleans()),
        missing=draw(st.one_of(st.none(), st.none(), st.integers(0, steps - 1))),
        resume_at=draw(st.one_of(st.none(), st.integers(0, steps - 1))),
        implementation=draw(st.sampled_from(tuple(IMPLEMENTATIONS))),
    )


def downhill(trial: Trial, case: Case) -> None:
    """maximize along g is the same as minimize along −g."""
    signs = {f"{name}_gradients": -case.arrays[f"{name}_gradients"] for name in OWN}  # type: ignore[operator]
    other = trial.run(case.but(maximize=not case.options["maximize"], **signs))
    for name, path in trial.run(case).items():
        assert_same(other[name], path, f"{name}: maximize along g is not minimize along −g")


def implementations_agree(trial: Trial, case: Case) -> None:
    """Single-tensor, foreach and fused differ by rounding at most: their first steps lie in one ball."""
    if case.regime == "special" or case.dtype not in ("float32", "float64"):
        return
    plain = case.but(implementation="single", resume_at=None, missing=None)
    accepted = trial.expected(plain)
    for implementation in ("foreach", "fused"):
        paths = trial.run(plain.but(implementation=implementation))
        for name in OWN:
            storage = accepted[name].by.storage
            first = accepted[name][0]
            room = first.error + 3 * (storage.unit * np.abs(first.value) + storage.tiny)
            away = np.abs(paths[name][0].astype(float) - trial.run(plain)[name][0].astype(float))
            if np.any(away > 2 * room):
                raise Disagreement(f"after one step {name} differs between single-tensor and {implementation}", result=name)


def decay_is_a_penalty(trial: Trial, case: Case) -> None:
    """weight_decay λ is the gradient of λ/2·|θ|², added by hand: exact on integers with λ = ½."""
    if case.regime != "integers" or case.dtype not in ("float32", "float64"):
        return
    plain = case.but(missing=None, resume_at=None, maximize=False)
    arrays = {name: a[:1] if name.endswith("gradients") else a for name, a in plain.arrays.items()}  # type: ignore[index]
    penalised = {f"{name}_gradients": arrays[f"{name}_gradients"] + arrays[name] / 2 for name in OWN}  # type: ignore[operator]
    one = trial.run(plain.but(weight_decay=0.5, lr=0.5, second_lr=None, **arrays))
    other = trial.run(plain.but(weight_decay=0.0, lr=0.5, second_lr=None, **{**arrays, **penalised}))
    for name in OWN:
        assert_same(one[name], other[name], f"{name}: weight_decay is not the gradient of its penalty")


SGD = Operation(
    name="torch.optim.SGD",
    call=call,
    oracle=sgd,
    cases=cases,
    shape=shape,
    state="resume_at",
    follows_subject=True,
    abstract=False,
    pure=False,
    rejects={
        "lr must not be negative": lambda case: case.but(lr=-0.1),
        "momentum must not be negative": lambda case: case.but(momentum=-0.1),
        "weight_decay must not be negative": lambda case: case.but(weight_decay=-0.1),
        "nesterov needs a momentum": lambda case: case.but(nesterov=True, momentum=0.0, dampening=0.0),
        "nesterov takes no dampening": lambda case: case.but(nesterov=True, momentum=0.9, dampening=0.5),
        "foreach and fused exclude each other": lambda case: case.but(implementation="both"),
    },
    laws=(
        Law("maximize along g is minimize along −g", downhill),
        Law("implementations differ by rounding", implementations_agree),
        Law("weight_decay is the gradient of its penalty", decay_is_a_penalty),
    ),
    dtypes=FLOATS,
)

OPERATIONS = (SGD,)
