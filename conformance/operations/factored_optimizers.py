"""Optimizers that look at a whole matrix: Adafactor and Muon."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import FLOATS, Case, Law, Operation
from conformance.operations.laws import assert_same
from conformance.operations.optimizer import ALONE, DECAYS, OWN, RATES, SHARES, YES_OR_NO, cases_of, rejects_of, shape_of, walk
from conformance.operations.optimizer_laws import AGREES, MAXIMIZES
from oracles import factored_optimizers


def call_adafactor(**arguments: Any) -> Any:
    """Steps of Adafactor."""
    return walk("Adafactor", **arguments)


def call_muon(**arguments: Any) -> Any:
    """Steps of Muon."""
    return walk("Muon", **arguments)


def turned(case: Case) -> Case:
    """The case with its matrices transposed."""
    arrays = {name: a.swapaxes(-1, -2) for name, a in case.arrays.items() if a is not None}
    return case.but(**{name: np.ascontiguousarray(a) for name, a in arrays.items()})


def transposes(trial: Trial, case: Case) -> None:
    """Muon of transposed matrices is transposed, where the rate does not depend on the sides' order."""
    case = case.but(adjust_lr_fn="match_rms_adamw", own=None)
    sides = [case.arrays[name].shape for name in OWN]  # type: ignore[union-attr]
    if any(n == m for n, m in sides):  # neither is tall: both sides are multiplied from the left
        return
    paths, others = trial.run(case), trial.run(turned(case))
    for name in OWN:
        assert_same(others[name].swapaxes(-1, -2), paths[name], f"{name} of transposed matrices is not transposed")


def nesterov_without_momentum_is_none(trial: Trial, case: Case) -> None:
    """With momentum 0 Nesterov's step is the plain one."""
    if case.regime == "special":
        return
    own = None if case.options["own"] is None else ()
    paths = [trial.run(case.but(momentum=0.0, own=own, nesterov=nesterov)) for nesterov in YES_OR_NO]
    for name in OWN:
        assert_same(paths[1][name], paths[0][name], f"{name}: nesterov matters without momentum")


MATRICES = st.tuples(st.integers(1, 4), st.integers(1, 4))

Adafactor = Operation(
    name="torch.optim.Adafactor",
    call=call_adafactor,
    oracle=factored_optimizers.Adafactor,
    cases=cases_of(
        {
            "lr": RATES,
            "beta2_decay": (-0.8, -0.5, 0.0, -1.0),
            "eps": ((None, 1e-3), (1e-3, 0.5), (0.0, 0.0), (1e-30, 1e-3)),
            "d": (1.0, 2.0, 1.5),
            "weight_decay": DECAYS,
            "maximize": YES_OR_NO,
        },
        ("default", "single", "foreach"),
        as_complex=False,
        lr_tensors=("default", "single", "foreach"),
    ),
    shape=shape_of(factored_optimizers.Adafactor),
    state="resume_at",
    follows_subject=True,
    abstract=False,
    pure=False,
    result_dtypes=ALONE,
    rejects={
        **rejects_of("weight_decay"),
        "beta2_decay must not be positive": lambda case: case.but(beta2_decay=0.1),
        "the first epsilon must not be negative": lambda case: case.but(eps=(-0.1, 1e-3)),
        "the second epsilon must not be negative": lambda case: case.but(eps=(None, -0.1)),
        "d must be at least 1": lambda case: case.but(d=0.5),
    },
    laws=(MAXIMIZES, AGREES),
    share=1.0,
    dtypes=FLOATS,
)

Muon = Operation(
    name="torch.optim.Muon",
    call=call_muon,
    oracle=factored_optimizers.Muon,
    cases=cases_of(
        {
            "lr": RATES,
            "weight_decay": DECAYS,
            "momentum": SHARES,
            "nesterov": YES_OR_NO,
            "ns_coefficients": ((3.4445, -4.775, 2.0315), (1.5, -0.5, 0.0), (1.0, 0.0, 0.0)),
            "eps": (1e-7, 1e-3, 1.0),
            "ns_steps": (0, 1, 2),
            "adjust_lr_fn": (None, "original", "match_rms_adamw"),
        },
        ("default",),
        shapes=MATRICES,
        as_complex=False,
        lr_tensors=("default",),
    ),
    shape=shape_of(factored_optimizers.Muon),
    state="resume_at",
    follows_subject=True,
    abstract=False,
    pure=False,
    result_dtypes=ALONE,
    rejects={
        **rejects_of("weight_decay", "momentum"),
        "adjust_lr_fn must be one of the two": lambda case: case.but(adjust_lr_fn="adamw"),
        "ns_steps must be below 100": lambda case: None if len(case.options["missing"]) else case.but(ns_steps=100),
        "there must be three ns_coefficients": lambda case: case.but(ns_coefficients=(1.0, 0.0), own=None),
        "parameters must be matrices": lambda case: case.but(
            **{name: a.reshape(*a.shape, 1) for name, a in case.arrays.items() if a is not None}
        ),
    },
    laws=(
        Law("transposed matrices have transposed steps", transposes),
        Law("Nesterov needs a momentum", nesterov_without_momentum_is_none),
    ),
    share=1.0,
    dtypes=FLOATS,
)

OPERATIONS = (Adafactor, Muon)
