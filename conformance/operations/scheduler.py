"""Schedulers: the learning rates of many steps."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial
from conformance.model import Case, Law, Operation, torch
from oracles.scheduler import cyclic


def listed(limit: Any) -> Any:
    """A limit for all groups, or a list of one for each."""
    return list(limit) if isinstance(limit, tuple) else limit


def optimizer_of(groups: int, base_lr: Any, last_epoch: int) -> Any:
    """An optimizer of some groups; where it goes on from an epoch, with the initial_lr that the run before has left in each."""
    initial = base_lr if isinstance(base_lr, tuple) else (base_lr,) * groups
    left = [{} if last_epoch < 0 else {"initial_lr": lr} for lr in (*initial, 0.1)]
    return torch.optim.SGD([{"params": [torch.nn.Parameter(torch.zeros(1))], **left[i]} for i in range(groups)], lr=0.1, momentum=0.9)


def call(
    groups: Any,
    steps: Any,
    last_epoch: Any,
    resume_at: Any,
    base_lr: Any,
    max_lr: Any,
    base_momentum: Any,
    max_momentum: Any,
    **options: Any,
) -> Any:
    """The rates, and the momenta if they are cycled, that the optimizer has before each step."""
    limits = {"base_lr": base_lr, "max_lr": max_lr, "base_momentum": base_momentum, "max_momentum": max_momentum}
    limits = {name: listed(limit) for name, limit in limits.items()}
    optimizer = optimizer_of(groups, base_lr, last_epoch)
    scheduler = torch.optim.lr_scheduler.CyclicLR(optimizer, **limits, **options, last_epoch=last_epoch)
    rates, momenta = [], []
    for t in range(steps):
        if t == resume_at:
            states = optimizer.state_dict(), scheduler.state_dict()
            optimizer = optimizer_of(groups, base_lr, -1)
            scheduler = torch.optim.lr_scheduler.CyclicLR(optimizer, **limits, **options)
            optimizer.load_state_dict(states[0])
            scheduler.load_state_dict(states[1])
        rates.append([group["lr"] for group in optimizer.param_groups])
        momenta.append([group["momentum"] for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    results = {"lr": torch.tensor(rates, dtype=torch.float64)}
    return {**results, "momentum": torch.tensor(momenta, dtype=torch.float64)} if options["cycle_momentum"] else results


def shape(*, groups: int, steps: int, cycle_momentum: bool, **options: Any) -> dict[str, tuple[int, ...]]:
    """A rate for every step and group."""
    return dict.fromkeys(("lr", "momentum")[: 1 + cycle_momentum], (steps, groups))


SIZES = st.one_of(st.integers(1, 9), st.sampled_from((1.5, 2.5, 16, 100)))
RATES, MOMENTA = st.sampled_from((0.001, 0.1, 0.25, 0.0, 1e-5)), st.sampled_from((0.8, 0.5, 0.0, 0.85))


@st.composite
def cases(draw: st.DrawFn, dtype: str) -> Case:
    """Up to a few cycles, one to three groups with limits of their own or shared."""
    groups, steps = draw(st.integers(1, 3)), draw(st.integers(1, 60))

    def limits(least: st.SearchStrategy[float], span: float) -> tuple[Any, Any]:
        if draw(st.booleans()):
            low = tuple(draw(least) for _ in range(groups))
            return low, tuple(value + span * draw(st.integers(0, 4)) for value in low)
        low = draw(least)
        return low, low + span * draw(st.integers(0, 4))

    (base_lr, max_lr), (base_momentum, max_momentum) = limits(RATES, 0.3), limits(MOMENTA, 0.025)
    options = {
        "base_lr": base_lr,
        "max_lr": max_lr,
        "step_size_up": draw(SIZES),
        "step_size_down": draw(st.one_of(st.none(), SIZES)),
        "mode": draw(st.sampled_from(("triangular", "triangular2", "exp_range"))),
        "gamma": draw(st.sampled_from((1.0, 0.99, 0.5, 1.01))),
        "cycle_momentum": draw(st.booleans()),
        "base_momentum": base_momentum,
        "max_momentum": max_momentum,
        "groups": groups,
        "steps": steps,
        "last_epoch": draw(st.one_of(st.just(-1), st.just(-1), st.integers(0, 30))),
        "resume_at": draw(st.one_of(st.none(), st.integers(0, steps - 1))),
    }
    return Case({}, options, dtype, regime="rates")


def room(trial: Trial, case: Case) -> Any:
    """What rounding may do to a rate."""
    return trial.expected(case)["lr"].error


def comes_round(trial: Trial, case: Case) -> None:
    """In triangular mode the rates of one cycle are those of the next."""
    case = case.but(mode="triangular", last_epoch=-1, resume_at=None)
    down = case.options["step_size_down"]
    period = case.options["step_size_up"] + (case.options["step_size_up"] if down is None else down)
    if period != int(period) or case.options["steps"] <= period:
        return
    rates, error = trial.run(case)["lr"], room(trial, case)
    if np.any(np.abs(rates[int(period) :] - rates[: -int(period)]) > error[int(period) :] + error[: -int(period)]):
        raise Disagreement(f"the rates do not come round after {period} steps", result="lr")


def stays_between(trial: Trial, case: Case) -> None:
    """No rate is below base_lr or above max_lr, unless gamma exceeds 1."""
    if case.options["gamma"] <= 1:
        rates, error = trial.run(case)["lr"], room(trial, case)
        low, high = (np.asarray(case.options[name], float) for name in ("base_lr", "max_lr"))
        if np.any(rates < low - error) or np.any(rates > high + error):
            raise Disagreement("a rate lies outside base_lr … max_lr", result="lr")


def begins_at_the_base(trial: Trial, case: Case) -> None:
    """The first rate is base_lr."""
    rates = trial.run(case.but(last_epoch=-1, resume_at=None))["lr"]
    if np.any(rates[0] != np.asarray(case.options["base_lr"], float)):
        raise Disagreement(f"the first rate is {rates[0].tolist()}, not base_lr", result="lr")


CyclicLR = Operation(
    name="torch.optim.lr_scheduler.CyclicLR",
    call=call,
    oracle=cyclic,
    cases=cases,
    shape=shape,
    state="resume_at",
    takes_arrays=False,
    abstract=False,
    result_dtypes={"lr": "float64", "momentum": "float64"},
    rejects={
        "mode must be one of the three": lambda case: case.but(mode="square"),
        "base_lr must have one value for every group": lambda case: case.but(base_lr=(0.1,) * (case.options["groups"] + 1), last_epoch=-1),
        "max_lr must have one value for every group": lambda case: case.but(max_lr=(0.1,) * (case.options["groups"] + 1)),
    },
    laws=(
        Law("triangular rates come round", comes_round),
        Law("rates stay between base_lr and max_lr", stays_between),
        Law("the first rate is base_lr", begins_at_the_base),
    ),
    dtypes=("float64",),
)

OPERATIONS = (CyclicLR,)
