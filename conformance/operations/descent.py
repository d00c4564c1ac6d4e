"""Optimizers that follow the gradient itself, or its sign: SGD, ASGD, Rprop."""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.judgement import Trial
from conformance.model import FLOATS, Case, Law, Operation
from conformance.operations.laws import assert_same
from conformance.operations.optimizer import ALONE, DECAYS, OWN, RATES, SHARES, YES_OR_NO, cases_of, rejects_of, shape_of, walk
from conformance.operations.optimizer_laws import COUPLED, along, plain_integers
from oracles import descent

LOOPS, FUSED = ("default", "single", "foreach", "differentiable"), ("default", "single", "foreach", "fused", "differentiable")


def call_sgd(**arguments: Any) -> Any:
    """Steps of SGD."""
    return walk("SGD", **arguments)


def call_asgd(**arguments: Any) -> Any:
    """Steps of ASGD."""
    return walk("ASGD", **arguments)


def call_rprop(**arguments: Any) -> Any:
    """Steps of Rprop."""
    return walk("Rprop", **arguments)


def with_momentum(options: dict[str, Any]) -> dict[str, Any]:
    """Nesterov needs a momentum and no dampening."""
    nesterov = options["nesterov"] and options["momentum"] > 0
    return {**options, "nesterov": nesterov, "dampening": 0.0 if nesterov else options["dampening"]}


def mean_of_batches(trial: Trial, case: Case) -> None:
    """A step along the mean of two gradients goes to the mean of where steps along each of them go: exact on even integers."""
    if (case := plain_integers(case)) is None or case.dtype not in ("float32", "float64"):
        return
    case = case.but(momentum=0.0, nesterov=False, dampening=0.0, weight_decay=0.0, lr=0.5, own=None)
    g = {f"{name}_gradients": case.arrays[f"{name}_gradients"] * 2 for name in OWN}  # type: ignore[operator]
    h = {name: np.flip(a, axis=-1) if a.ndim > 1 else a + 4 for name, a in g.items()}
    whole = trial.run(case.but(**{name: (g[name] + h[name]) / 2 for name in g}))
    parts = [trial.run(case.but(**batch)) for batch in (g, h)]
    for name in OWN:
        assert_same(whole[name], (parts[0][name] + parts[1][name]) / 2, f"{name}: the full batch is not the mean of its halves")


def nesterov_begins_as_a_longer_step(trial: Trial, case: Case) -> None:
    """The first step of Nesterov's momentum μ is a step of plain SGD with the rate (1 + μ)·lr; with μ = 0 it would be SGD itself."""
    if (case := plain_integers(case)) is None or case.dtype not in ("float32", "float64"):
        return
    case = case.but(weight_decay=0.0, dampening=0.0, own=None)
    nesterov = trial.run(case.but(momentum=0.5, nesterov=True, lr=0.5))
    plain = trial.run(case.but(momentum=0.0, nesterov=False, lr=0.75))
    for name in OWN:
        assert_same(nesterov[name], plain[name], f"{name}: Nesterov's first step is not a step of SGD with (1 + momentum)·lr")


def only_signs_count(trial: Trial, case: Case) -> None:
    """Rprop with gradients twice as large goes the same way."""
    if case.regime not in ("integers", "normal", "constant"):
        return
    other = along(case, lambda g: g * 2)
    for name in OWN:
        assert_same(trial.run(other)[name], trial.run(case)[name], f"{name}: the size of the gradient counts")


SGD_OPTIONS = {
    "lr": RATES,
    "momentum": SHARES,
    "dampening": SHARES,
    "weight_decay": DECAYS,
    "nesterov": YES_OR_NO,
    "maximize": YES_OR_NO,
}

SGD = Operation(
    name="torch.optim.SGD",
    call=call_sgd,
    oracle=descent.SGD,
    share=2.0,
    cases=cases_of(SGD_OPTIONS, FUSED, lr_tensors=FUSED, settled=with_momentum),
    shape=shape_of(descent.SGD),
    state="resume_at",
    follows_subject=True,
    abstract=False,
    pure=False,
    result_dtypes=ALONE,
    rejects={
        **rejects_of("momentum", "weight_decay", fused=True),
        "nesterov needs a momentum": lambda case: case.but(nesterov=True, momentum=0.0, dampening=0.0),
        "nesterov takes no dampening": lambda case: case.but(nesterov=True, momentum=0.9, dampening=0.5),
    },
    laws=(
        *COUPLED,
        Law("the full batch steps as the mean of its halves", mean_of_batches),
        Law("Nesterov begins as a longer step of SGD", nesterov_begins_as_a_longer_step),
    ),
    dtypes=FLOATS,
)

ASGD = Operation(
    name="torch.optim.ASGD",
    call=call_asgd,
    oracle=descent.ASGD,
    cases=cases_of(
        {
            "lr": RATES,
            "lambd": (1e-4, 0.1, 0.0, 1.0),
            "alpha": (0.75, 0.5, 0.0, 1.0),
            "t0": (1e6, 2.0, 0.0, 1.0, 1.5),
            "weight_decay": DECAYS,
            "maximize": YES_OR_NO,
        },
        LOOPS,
        lr_tensors=LOOPS,
    ),
    shape=shape_of(descent.ASGD),
    state="resume_at",
    follows_subject=True,
    abstract=False,
    pure=False,
    result_dtypes=ALONE,
    rejects=rejects_of("weight_decay"),
    laws=COUPLED,
    dtypes=FLOATS,
)

Rprop = Operation(
    name="torch.optim.Rprop",
    call=call_rprop,
    oracle=descent.Rprop,
    cases=cases_of(
        {
            "lr": RATES,
            "etas": ((0.5, 1.2), (0.5, 2.0), (0.25, 1.5), (0.9, 1.1)),
            "step_sizes": ((1e-6, 50.0), (0.0, 1.0), (0.125, 0.5), (1e-6, 1.5)),
            "maximize": YES_OR_NO,
        },
        LOOPS,
        lr_tensors=LOOPS,
    ),
    shape=shape_of(descent.Rprop),
    state="resume_at",
    follows_subject=True,
    abstract=False,
    pure=False,
    result_dtypes=ALONE,
    rejects={
        **rejects_of(),
        "the first eta must be positive": lambda case: case.but(etas=(0.0, 1.2)),
        "the first eta must be below 1": lambda case: case.but(etas=(1.0, 1.2)),
        "the second eta must be above 1": lambda case: case.but(etas=(0.5, 1.0)),
    },
    laws=(COUPLED[0], Law("only the signs of gradients count", only_signs_count)),
    dtypes=FLOATS,
)

OPERATIONS = (SGD, ASGD, Rprop)
