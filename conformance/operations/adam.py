"""Adam and its relatives."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial
from conformance.model import FLOATS, Case, Law, Operation
from conformance.operations.laws import assert_same
from conformance.operations.optimizer import ALONE, BETAS, DECAYS, OWN, RATES, SMALL, YES_OR_NO, cases_of, rejects_of, shape_of, walk
from conformance.operations.optimizer_laws import AGREES, COUPLED, DECOUPLED, MAXIMIZES, along
from conformance.strategies import side
from oracles import adam

LOOPS, FUSED = ("default", "single", "foreach", "differentiable"), ("default", "single", "foreach", "fused", "differentiable")
WITH_TENSOR = ("default", "single", "fused", "differentiable")  # "lr as a Tensor is not supported for capturable=False and foreach=True"


def call_adam(**arguments: Any) -> Any:
    """Steps of Adam; the option that torch 2.4 does not have is left out where it is not used."""
    decoupled = {"decoupled_weight_decay": True} if arguments.pop("decoupled_weight_decay") else {}
    return walk("Adam", **arguments, **decoupled)


def call_adamw(**arguments: Any) -> Any:
    """Steps of AdamW."""
    return walk("AdamW", **arguments)


def call_nadam(**arguments: Any) -> Any:
    """Steps of NAdam."""
    return walk("NAdam", **arguments)


def call_radam(**arguments: Any) -> Any:
    """Steps of RAdam."""
    return walk("RAdam", **arguments)


def call_adamax(**arguments: Any) -> Any:
    """Steps of Adamax."""
    return walk("Adamax", **arguments)


def call_sparse_adam(**arguments: Any) -> Any:
    """Steps of SparseAdam."""
    return walk("SparseAdam", **arguments)


def as_complex_numbers(case: Case) -> Case | None:
    """The case with complex parameters."""
    pairs = {name: np.stack([a, a], axis=-1) for name, a in case.arrays.items() if a is not None}
    return case.but(numbers="complex", **pairs) if case.dtype in ("float32", "float64") else None


def repeated_rows_are_added(trial: Trial, case: Case) -> None:
    """Rows that are repeated, or in one piece, are the same gradient."""
    paths = [trial.run(case.but(gradients=gradients)) for gradients in ("rows", "repeated")]
    for name, path in paths[0].items():
        assert_same(paths[1][name], path, f"{name}: repeated rows are not added")


def begins_with_the_sign(trial: Trial, case: Case) -> None:
    """The first step without decay and with eps 0 is lr · sign(g), whatever the betas, up to the rounding of the oracle's own step."""
    if case.regime in ("special", "subnormal") or case.dtype not in ("float32", "float64"):
        return
    case = case.but(weight_decay=0.0, eps=0.0, own=None, missing=(), skipped=None, resume_at=None, maximize=False, lr_form="number")
    case = along(case, lambda g: np.where(g == 0, np.ones_like(g), g), steps=1)
    accepted, paths = trial.expected(case), trial.run(case)
    for name in OWN:
        start, g = (np.asarray(case.arrays[key], float) for key in (name, f"{name}_gradients"))
        away = np.abs(paths[name].astype(float) - (start - case.options["lr"] * np.sign(g)))
        storage = accepted[name].by.storage
        if np.any(away > 2 * accepted[name].error + 2 * storage.unit * np.abs(accepted[name].value) + storage.tiny):
            raise Disagreement(f"the first step of {name} is not lr · sign(g)", result=name)


FIRST = Law("the first step is lr · sign(g)", begins_with_the_sign)
COMMON = {"lr": RATES, "betas": BETAS, "eps": SMALL, "weight_decay": DECAYS, "maximize": YES_OR_NO}

Adam = Operation(
    name="torch.optim.Adam",
    call=call_adam,
    oracle=adam.Adam,
    cases=cases_of({**COMMON, "amsgrad": YES_OR_NO, "decoupled_weight_decay": YES_OR_NO}, FUSED, lr_tensors=WITH_TENSOR),
    shape=shape_of(adam.Adam),
    state="resume_at",
    follows_subject=True,
    abstract=False,
    pure=False,
    result_dtypes=ALONE,
    rejects={
        **rejects_of("betas", "eps", "weight_decay", fused=True),
        "foreach takes no tensor as its rate": lambda case: case.but(implementation="foreach", lr_form="tensor"),
    },
    laws=(*COUPLED, DECOUPLED, FIRST),
    dtypes=FLOATS,
)

AdamW = Operation(
    name="torch.optim.AdamW",
    call=call_adamw,
    oracle=adam.AdamW,
    cases=cases_of({**COMMON, "amsgrad": YES_OR_NO}, FUSED, lr_tensors=WITH_TENSOR),
    shape=shape_of(adam.AdamW),
    state="resume_at",
    follows_subject=True,
    abstract=False,
    pure=False,
    result_dtypes=ALONE,
    rejects={
        **rejects_of("betas", "eps", "weight_decay", fused=True),
        "foreach takes no tensor as its rate": lambda case: case.but(implementation="foreach", lr_form="tensor"),
    },
    laws=(MAXIMIZES, AGREES, DECOUPLED, FIRST),
    dtypes=FLOATS,
)

NAdam = Operation(
    name="torch.optim.NAdam",
    call=call_nadam,
    oracle=adam.NAdam,
    cases=cases_of({**COMMON, "momentum_decay": (4e-3, 0.0, 1.0), "decoupled_weight_decay": YES_OR_NO}, LOOPS, lr_tensors=LOOPS),
    shape=shape_of(adam.NAdam),
    state="resume_at",
    follows_subject=True,
    abstract=False,
    pure=False,
    result_dtypes=ALONE,
    rejects=rejects_of("betas", "eps", "weight_decay", "momentum_decay"),
    laws=(*COUPLED, DECOUPLED),
    dtypes=FLOATS,
)

RAdam = Operation(
    name="torch.optim.RAdam",
    call=call_radam,
    oracle=adam.RAdam,
    cases=cases_of({**COMMON, "betas": (*BETAS, (0.5, 0.7)), "decoupled_weight_decay": YES_OR_NO}, LOOPS, lr_tensors=LOOPS),
    shape=shape_of(adam.RAdam),
    state="resume_at",
    follows_subject=True,
    abstract=False,
    pure=False,
    result_dtypes=ALONE,
    rejects=rejects_of("betas", "eps", "weight_decay"),
    laws=(*COUPLED, DECOUPLED),
    dtypes=FLOATS,
)

Adamax = Operation(
    name="torch.optim.Adamax",
    call=call_adamax,
    oracle=adam.Adamax,
    cases=cases_of(COMMON, LOOPS, lr_tensors=LOOPS),
    shape=shape_of(adam.Adamax),
    state="resume_at",
    follows_subject=True,
    abstract=False,
    pure=False,
    result_dtypes=ALONE,
    rejects=rejects_of("betas", "eps", "weight_decay"),
    laws=(*COUPLED, FIRST),
    dtypes=FLOATS,
)

SparseAdam = Operation(
    name="torch.optim.SparseAdam",
    call=call_sparse_adam,
    oracle=adam.SparseAdam,
    cases=cases_of(
        {"lr": (0.5, 0.1, 1.0, 0.01, 1e-3), "betas": BETAS, "eps": (1e-8, 1e-3, 1.0, 1e-10), "maximize": YES_OR_NO},
        ("default",),
        shapes=st.one_of(st.tuples(side(1, 6)), st.tuples(st.integers(1, 5), side(1, 4)), st.tuples(*[st.integers(1, 3)] * 3)),
        as_complex=False,
        lr_tensors=("default",),
        sparse=True,
    ),
    shape=shape_of(adam.SparseAdam),
    state="resume_at",
    follows_subject=True,
    abstract=False,
    pure=False,
    result_dtypes=ALONE,
    rejects={
        **rejects_of("betas", "eps"),
        "lr must be positive": lambda case: case.but(lr=0.0),
        "eps must be positive": lambda case: case.but(eps=0.0),
        "gradients must be sparse": lambda case: case.but(gradients="plain"),
        "parameters must be real": as_complex_numbers,
    },
    laws=(MAXIMIZES, Law("repeated rows of a gradient are added", repeated_rows_are_added)),
    dtypes=FLOATS,
)

OPERATIONS = (Adam, AdamW, NAdam, RAdam, Adamax, SparseAdam)
