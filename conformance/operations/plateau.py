"""A scheduler that looks at a metric."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import Case, Law
from conformance.operations.laws import assert_same
from conformance.operations.scheduler import operation
from conformance.operations.scheduler_frame import a_case, frame, limits, run
from oracles.plateau import reduce_lr_on_plateau as oracle


def reduce_lr_on_plateau(**options: Any) -> Any:
    """The rates of ReduceLROnPlateau; its metrics are what is given to step()."""
    return run("ReduceLROnPlateau", **options)


# The cases.

LEVELS = st.sampled_from((1.0, -1.0, 0.0, 0.5, 10.0, -0.25, 1e-3))
ODD = st.sampled_from((float("nan"), float("nan"), float("inf"), float("-inf"), -0.0))
TENTHS, QUARTERS = st.integers(-20, 20).map(lambda i: i / 10), st.integers(-8, 8).map(lambda i: i / 4)


@st.composite
def metrics(draw: st.DrawFn, epochs: int, threshold: float, threshold_mode: str, mode: str) -> tuple[float, ...]:
    """Metrics of some epochs: constant (of either sign), wandering, improving, or exactly at the threshold; some of them not finite."""
    how = draw(st.sampled_from(("constant", "wandering", "coarse", "improving", "at the threshold")))
    level, sign = draw(LEVELS), -1 if mode == "min" else 1
    found = [level]
    few = min(epochs, 20)
    for _ in range(few - 1):
        best = found[-1]
        at = best * (1 + sign * threshold) if threshold_mode == "rel" else best + sign * threshold
        nexts = {
            "constant": st.just(best),
            "wandering": TENTHS,
            "coarse": QUARTERS,
            "improving": st.sampled_from((best + sign * 0.25, best + sign * 0.25, best)),
            "at the threshold": st.sampled_from((at, at, best)),
        }
        found.append(draw(nexts[how]))
    if draw(st.booleans()):
        found[draw(st.integers(0, few - 1))] = draw(ODD)
    return tuple(found) + tuple(found[i % few] for i in range(epochs - few))


@st.composite
def cases(draw: st.DrawFn, dtype: str) -> Case:
    """Every option at its usual values and at its ends."""
    shared = draw(frame(by=("state_dict",)))
    groups, mode, threshold_mode = len(shared["lr"]), draw(st.sampled_from(("min", "max"))), draw(st.sampled_from(("rel", "abs")))
    threshold = draw(st.sampled_from((1e-4, 0.5, 0.0, 0.1, 0.25, 1.0)))
    if draw(st.integers(0, 4)) == 4:
        shared |= {"lr": shared["lr"][:1] * groups, "lr_as": "shared"}
    epochs = shared["steps"] - 1
    return a_case(
        dtype,
        mode=mode,
        factor=draw(st.sampled_from((0.5, 0.1, 0.9, 0.0))),
        patience=draw(st.sampled_from((0, 1, 2, 5))),
        threshold=threshold,
        threshold_mode=threshold_mode,
        cooldown=draw(st.sampled_from((0, 0, 1, 2))),
        min_lr=limits(draw, st.sampled_from((0.0, 0.01, 0.25, 0)), groups),
        eps=draw(st.sampled_from((1e-8, 1e-8, 0.0, 0.05))),
        given=draw(metrics(epochs, threshold, threshold_mode, mode)) if epochs else (),
        **shared,
    )


# The laws.


def mirrored_metrics_agree(trial: Trial, case: Case) -> None:
    """min of m is max of −m: with the same threshold if it is absolute, with the opposite one if it is relative."""
    plain = case.but(resume_at=None)
    options = plain.options
    sign = -1 if options["threshold_mode"] == "rel" else 1
    mirrored = plain.but(
        mode="max" if options["mode"] == "min" else "min",
        given=tuple(-metric for metric in options["given"]),
        threshold=sign * options["threshold"],
    )
    assert_same(trial.run(mirrored)["lr"], trial.run(plain)["lr"], "the mirrored metrics have other rates")


def patience_keeps_the_rate(trial: Trial, case: Case) -> None:
    """With more patience than epochs nothing happens."""
    plain = case.but(resume_at=None, patience=case.options["steps"] + 1)
    rates = trial.run(plain)["lr"]
    assert_same(rates, rates[:1].repeat(len(rates), axis=0), "the rate changes in spite of all patience")


ReduceLROnPlateau = operation(
    "ReduceLROnPlateau",
    reduce_lr_on_plateau,
    oracle,
    cases=cases,
    share=0.8,
    rejects={
        "factor must be less than 1": lambda case: case.but(factor=1.0),
        "mode must be min or max": lambda case: case.but(mode="least"),
        "threshold_mode must be rel or abs": lambda case: case.but(threshold_mode="both"),
        "min_lr must have one value for every group": lambda case: case.but(min_lr=(0.0,) * (len(case.options["lr"]) + 1)),
    },
    laws=(
        Law("min of m is max of −m", mirrored_metrics_agree),
        Law("patience keeps the rate", patience_keeps_the_rate),
    ),
)

OPERATIONS = (ReduceLROnPlateau,)
