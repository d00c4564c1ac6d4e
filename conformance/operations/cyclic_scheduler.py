"""Schedulers of a rate, and of a momentum, that go up and down between limits."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial
from conformance.model import Case, Law, Operation
from conformance.operations.scheduler_frame import DTYPES, FACTORS, NEEDS_RATES, a_case, frame, limits, run, shape
from oracles import cyclic_scheduler as oracles

# The calls.


def cyclic_lr(**options: Any) -> Any:
    """The rates of CyclicLR."""
    return run("CyclicLR", **options)


def one_cycle_lr(**options: Any) -> Any:
    """The rates of OneCycleLR."""
    return run("OneCycleLR", **options)


# The cases.

SIZES = st.one_of(st.integers(1, 9), st.sampled_from((1.5, 2.5, 16, 100)))
BASES, MOMENTA = st.sampled_from((0.001, 0.1, 0.25, 0.0, 1e-5)), st.sampled_from((0.8, 0.5, 0.0, 0.85))
TOPS = st.sampled_from((0.1, 1.0, 0.3, 0.01, 0.0))
OPTIMIZERS = st.sampled_from(("SGD", "SGD", "Adam"))


def raised(low: Any, by: Any) -> Any:
    """Upper limits from lower ones and what is between."""
    return tuple(value + by for value in low) if isinstance(low, tuple) else low + by


@st.composite
def cyclic_cases(draw: st.DrawFn, dtype: str) -> Case:
    """A few cycles, limits shared by the groups or of their own, every policy."""
    shared = draw(frame())
    if shared["resume_by"] == "last_epoch" and shared["lr_as"] == "float32":
        shared["lr_as"] = "float64"  # begun again, the first rate is computed from what the tensor holds of base_lr: other bits
    groups = len(shared["lr"])
    base_lr, base_momentum = limits(draw, BASES, groups), limits(draw, MOMENTA, groups)
    scale_fn = draw(st.one_of(st.none(), st.none(), st.lists(FACTORS, min_size=1, max_size=4).map(tuple)))
    return a_case(
        dtype,
        base_lr=base_lr,
        max_lr=raised(base_lr, 0.3 * draw(st.integers(0, 4))),
        step_size_up=draw(SIZES),
        step_size_down=draw(st.one_of(st.none(), SIZES)),
        mode=draw(st.sampled_from(("triangular", "triangular2", "exp_range"))),
        gamma=draw(st.sampled_from((1.0, 0.99, 0.5, 1.01))),
        scale_fn=scale_fn,
        scale_mode=draw(st.sampled_from(("cycle", "iterations"))),
        saved=draw(st.booleans()) and scale_fn is not None and shared["resume_by"] == "state_dict",
        cycle_momentum=draw(st.booleans()),
        base_momentum=base_momentum,
        max_momentum=raised(base_momentum, 0.025 * draw(st.integers(0, 4))),
        optimizer=draw(OPTIMIZERS),
        **shared,
    )


@st.composite
def one_cycle_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Cycles with room for their phases: at least one step before the peak, and one after each phase."""
    three_phase = draw(st.booleans())
    total = draw(st.one_of(st.integers(4, 40), st.sampled_from((100, 300))))
    shares = [share for share in (0.3, 0.25, 0.5, 0.1, 0.4, 0.45, 0.7, 1.0) if share * total >= 1 and (share < 0.5 or not three_phase)]
    shared = draw(frame())
    steps = min(shared["steps"], total)
    resume_at = None if shared["resume_at"] is None else min(shared["resume_at"], steps - 1)
    shared |= {"steps": steps, "resume_at": resume_at, "resume_by": shared["resume_by"] if resume_at else "state_dict"}
    groups, by_epochs = len(shared["lr"]), draw(st.booleans()) and total % 2 == 0
    base_momentum = limits(draw, MOMENTA, groups)
    return a_case(
        dtype,
        max_lr=limits(draw, TOPS, groups),
        total_steps=None if by_epochs else total,
        epochs=2 if by_epochs else None,
        steps_per_epoch=total // 2 if by_epochs else None,
        pct_start=draw(st.sampled_from(shares)),
        anneal_strategy=draw(st.sampled_from(("cos", "linear"))),
        cycle_momentum=draw(st.booleans()),
        base_momentum=base_momentum,
        max_momentum=raised(base_momentum, 0.025 * draw(st.integers(0, 4))),
        div_factor=draw(st.sampled_from((25.0, 1.0, 10.0))),
        final_div_factor=draw(st.sampled_from((1e4, 1.0, 10.0))),
        three_phase=three_phase,
        optimizer=draw(OPTIMIZERS),
        **shared,
    )


# The laws.


def room(trial: Trial, case: Case) -> Any:
    """What rounding may do to a rate."""
    return trial.expected(case)["lr"].error


def comes_round(trial: Trial, case: Case) -> None:
    """In triangular mode the rates of one cycle are those of the next."""
    case = case.but(mode="triangular", scale_fn=None, saved=False, resume_at=None, lr_as="number")
    down = case.options["step_size_down"]
    period = case.options["step_size_up"] + (case.options["step_size_up"] if down is None else down)
    if period != int(period) or case.options["steps"] <= period:
        return
    rates, error = trial.run(case)["lr"], room(trial, case)
    if np.any(np.abs(rates[int(period) :] - rates[: -int(period)]) > error[int(period) :] + error[: -int(period)]):
        raise Disagreement(f"the rates do not come round after {period} steps", result="lr")


def stays_between(trial: Trial, case: Case) -> None:
    """No rate is below base_lr or above max_lr, unless gamma exceeds 1."""
    case = case.but(scale_fn=None, saved=False, resume_at=None, lr_as="number")
    if case.options["gamma"] <= 1:
        rates, error = trial.run(case)["lr"], room(trial, case)
        low, high = (np.asarray(case.options[name], float) for name in ("base_lr", "max_lr"))
        if np.any(rates < low - error) or np.any(rates > high + error):
            raise Disagreement("a rate lies outside base_lr … max_lr", result="lr")


def begins_at_the_base(trial: Trial, case: Case) -> None:
    """The first rate is base_lr."""
    rates = trial.run(case.but(resume_at=None, lr_as="number"))["lr"]
    if np.any(rates[0] != np.asarray(case.options["base_lr"], float)):
        raise Disagreement(f"the first rate is {rates[0].tolist()}, not base_lr", result="lr")


def peaks_once(trial: Trial, case: Case) -> None:
    """Rates do not fall before the peak and do not rise after it."""
    case = case.but(resume_at=None, lr_as="number")
    total = case.options["total_steps"] or case.options["epochs"] * case.options["steps_per_epoch"]
    rates, error, peak = trial.run(case)["lr"], room(trial, case), case.options["pct_start"] * total - 1
    for t in range(1, len(rates)):
        change, slack = rates[t] - rates[t - 1], error[t] + error[t - 1]
        if (t <= peak and np.any(change < -slack)) or (t - 1 >= peak and np.any(change > slack)):
            raise Disagreement(f"the rate turns at step {t}, the peak is at {peak}", result="lr")


def one_more(name: str) -> Any:
    """A list of limits that is longer than there are groups."""
    return lambda case: case.but(**{name: (0.1,) * (len(case.options["lr"]) + 1)})


def cyclic(name: str, call: Any, oracle: Any, **more: Any) -> Operation:
    """A scheduler by its public name."""
    more["rejects"] = {**more["rejects"], **NEEDS_RATES}
    return Operation(
        name=name,
        call=call,
        oracle=oracle,
        shape=shape,
        state="resume_at",
        takes_arrays=False,
        abstract=False,
        follows_subject=True,
        result_dtypes=DTYPES,
        dtypes=("float64",),
        **more,
    )


CyclicLR = cyclic(
    "torch.optim.lr_scheduler.CyclicLR",
    cyclic_lr,
    oracles.cyclic_lr,
    cases=cyclic_cases,
    rejects={
        "mode must be one of the three": lambda case: case.but(mode="square", scale_fn=None, saved=False),
        "base_lr must have one value for every group": one_more("base_lr"),
        "max_lr must have one value for every group": one_more("max_lr"),
        "max_momentum must have one value for every group": lambda case: (
            one_more("max_momentum")(case) if case.options["cycle_momentum"] else None
        ),
        "only an optimizer with a momentum can cycle it": lambda case: case.but(optimizer="Adagrad", cycle_momentum=True),
    },
    laws=(
        Law("triangular rates come round", comes_round),
        Law("rates stay between base_lr and max_lr", stays_between),
        Law("the first rate is base_lr", begins_at_the_base),
    ),
)
OneCycleLR = cyclic(
    "torch.optim.lr_scheduler.OneCycleLR",
    one_cycle_lr,
    oracles.one_cycle_lr,
    cases=one_cycle_cases,
    rejects={
        "total_steps must be positive": lambda case: case.but(total_steps=0),
        "total_steps must be an integer": lambda case: case.but(total_steps=40.0),
        "the number of steps must be given": lambda case: case.but(total_steps=None, epochs=None),
        "epochs must be positive": lambda case: case.but(total_steps=None, epochs=0, steps_per_epoch=2),
        "steps_per_epoch must be positive": lambda case: case.but(total_steps=None, epochs=2, steps_per_epoch=-1),
        "pct_start must not exceed 1": lambda case: case.but(pct_start=1.5),
        "pct_start must not be negative": lambda case: case.but(pct_start=-0.5),
        "anneal_strategy must be cos or linear": lambda case: case.but(anneal_strategy="square"),
        "max_lr must have one value for every group": one_more("max_lr"),
        "only an optimizer with a momentum can cycle it": lambda case: case.but(optimizer="Adagrad", cycle_momentum=True),
        "there are no more steps than total_steps": lambda case: case.but(
            total_steps=9, pct_start=0.4, steps=11, resume_at=None, epochs=None
        ),
    },
    laws=(Law("there is one peak", peaks_once),),
)
OPERATIONS = (CyclicLR, OneCycleLR)
