"""Schedulers that lead a rate to its end along half a wave or a line: once, or again and again."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial
from conformance.model import Case, Law
from conformance.operations.cyclic_scheduler import TOPS, cyclic, one_more
from conformance.operations.scheduler_frame import a_case, frame, limits, run
from oracles import annealing_scheduler as oracles

# The calls.


def cosine_annealing_warm_restarts(**options: Any) -> Any:
    """The rates of CosineAnnealingWarmRestarts."""
    return run("CosineAnnealingWarmRestarts", **options)


def swa_lr(**options: Any) -> Any:
    """The rates of SWALR."""
    return run("SWALR", **options)


# The cases.

LEASTS = st.sampled_from((0.0, 0.01, 0.5, 1e-5, 0))


@st.composite
def given_epochs(draw: st.DrawFn, T_0: int, T_mult: int, steps: int) -> Any:
    """What step() is told: nothing; epochs with fractions; or some epochs, exactly at restarts and back again, then on from there."""
    how = draw(st.sampled_from(("nothing", "nothing", "fractions", "jumps")))
    if how == "nothing":
        return None
    if how == "fractions":
        parts = draw(st.sampled_from((2, 3, 4, 10)))
        return tuple(i // parts + i % parts / parts for i in range(1, steps))
    restarts = [T_0 * sum(T_mult**i for i in range(n)) for n in range(7)]
    epochs = st.one_of(st.none(), st.none(), st.sampled_from(restarts), st.integers(0, 60))
    return tuple(draw(epochs) for _ in range(min(steps - 1, 12))) + (None,) * max(0, steps - 13)


@st.composite
def warm_restart_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Periods that stay or grow; epochs counted or given."""
    T_0, T_mult = draw(st.integers(1, 7)), draw(st.sampled_from((1, 2, 3, 1, 4)))
    shared = draw(frame(events=(T_0, T_0 + T_0 * T_mult)))
    given = draw(given_epochs(T_0, T_mult, shared["steps"]))
    if given is not None:
        shared["resume_by"] = "state_dict"  # the last epoch is then none that was counted
    return a_case(dtype, T_0=T_0, T_mult=T_mult, eta_min=draw(LEASTS), given=given, **shared)


@st.composite
def swa_cases(draw: st.DrawFn, dtype: str) -> Case:
    """From rates below or above, in no, a few or many epochs."""
    anneal_epochs = draw(st.one_of(st.integers(1, 9), st.sampled_from((0, 20, 64))))
    shared = draw(frame(events=(anneal_epochs, anneal_epochs + 1)))
    return a_case(
        dtype,
        swa_lr=limits(draw, TOPS, len(shared["lr"])),
        anneal_epochs=anneal_epochs,
        anneal_strategy=draw(st.sampled_from(("cos", "linear"))),
        **shared,
    )


# The laws.


def counting_is_telling(trial: Trial, case: Case) -> None:
    """step() is step(n) with the next whole n."""
    case = case.but(resume_at=None)
    counted, told = (trial.run(case.but(given=given))["lr"] for given in (None, tuple(range(1, case.options["steps"]))))
    if np.any(counted != told):
        raise Disagreement("step() is not step(n) with the next n", result="lr")


def ends_at_swa_lr(trial: Trial, case: Case) -> None:
    """From anneal_epochs on the rate is swa_lr, exactly."""
    case = case.but(resume_at=None, lr_as="number")
    last = trial.run(case)["lr"][case.options["anneal_epochs"] + 1 :]
    if np.any(last != np.asarray(case.options["swa_lr"], float)):
        raise Disagreement("after anneal_epochs the rate is not swa_lr", result="lr")


CosineAnnealingWarmRestarts = cyclic(
    "torch.optim.lr_scheduler.CosineAnnealingWarmRestarts",
    cosine_annealing_warm_restarts,
    oracles.cosine_annealing_warm_restarts,
    cases=warm_restart_cases,
    rejects={
        "T_0 must be positive": lambda case: case.but(T_0=0),
        "T_0 must be an integer": lambda case: case.but(T_0=2.0),
        "T_mult must be at least 1": lambda case: case.but(T_mult=0),
        "T_mult must be an integer": lambda case: case.but(T_mult=1.5),
        "eta_min must be a number": lambda case: case.but(eta_min="0.1"),
        "an epoch must not be negative": lambda case: case.but(given=(-1,) * case.options["steps"], steps=case.options["steps"] + 1),
    },
    laws=(Law("counting is telling the next epoch", counting_is_telling),),
)
SWALR = cyclic(
    "torch.optim.swa_utils.SWALR",
    swa_lr,
    oracles.swa_lr,
    cases=swa_cases,
    rejects={
        "anneal_strategy must be cos or linear": lambda case: case.but(anneal_strategy="square"),
        "anneal_epochs must not be negative": lambda case: case.but(anneal_epochs=-1),
        "anneal_epochs must be an integer": lambda case: case.but(anneal_epochs=2.5),
        "swa_lr must have one value for every group": one_more("swa_lr"),
    },
    laws=(Law("the rate ends at swa_lr", ends_at_swa_lr),),
)

OPERATIONS = (CosineAnnealingWarmRestarts, SWALR)
