"""Schedulers made of schedulers."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import Case, Law
from conformance.operations.laws import assert_same
from conformance.operations.scheduler import SETTINGS, SHARES, operation
from conformance.operations.scheduler_frame import FACTORS, a_case, frame, run
from oracles import composed_scheduler as oracles

# The calls.


def sequential_lr(**options: Any) -> Any:
    """The rates of SequentialLR."""
    return run("SequentialLR", **options)


def chained_scheduler(**options: Any) -> Any:
    """The rates of ChainedScheduler."""
    return run("ChainedScheduler", **options)


# The cases: a scheduler is its name and its settings.

TABLES = st.lists(FACTORS, min_size=1, max_size=3).map(lambda factors: {"lr_lambda": (tuple(factors),)})
CONSTANTS = st.fixed_dictionaries({"factor": SHARES, "total_iters": st.integers(1, 9)})
RESTARTS = st.fixed_dictionaries({"T_0": st.integers(1, 5), "T_mult": st.integers(1, 2), "eta_min": st.sampled_from((0.0, 0.01))})
ALONE = {**{name: own() for name, own in SETTINGS.items()}, "ConstantLR": CONSTANTS, "MultiplicativeLR": TABLES}
BY_ITSELF = {**ALONE, "LambdaLR": TABLES, "CosineAnnealingWarmRestarts": RESTARTS}


def any_of(kinds: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """One of these schedulers with its settings."""
    return st.sampled_from(sorted(kinds)).flatmap(lambda name: st.tuples(st.just(name), kinds[name]))


CHAINABLE = any_of({name: own for name, own in ALONE.items() if name != "CosineAnnealingLR"})
MILESTONES = st.one_of(st.integers(1, 9), st.integers(0, 20))


def sequence(child: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """One to four schedulers and the milestones between them: increasing, some equal, some 0."""
    return st.lists(child, min_size=1, max_size=4).flatmap(
        lambda children: st.builds(
            lambda milestones: {"schedulers": tuple(children), "milestones": tuple(sorted(milestones))},
            st.lists(MILESTONES, min_size=len(children) - 1, max_size=len(children) - 1),
        )
    )


SIMPLE = any_of(BY_ITSELF)
CHAINS = st.lists(CHAINABLE, min_size=1, max_size=4).map(lambda children: {"schedulers": tuple(children)})
NESTED = st.one_of(st.tuples(st.just("SequentialLR"), sequence(SIMPLE)), st.tuples(st.just("ChainedScheduler"), CHAINS))


@st.composite
def sequential_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Sequences of schedulers, restarted anywhere or exactly at a milestone."""
    own = draw(sequence(SIMPLE))
    return a_case(dtype, **own, **draw(frame(by=("state_dict", "state_dict", "last_epoch"), events=own["milestones"])))


@st.composite
def nested_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Sequences with a sequence or a chain among them: alone, first, later, or so that it is never reached."""
    own, inner = draw(sequence(SIMPLE)), draw(NESTED)
    shared = draw(frame(by=("state_dict",), events=own["milestones"]))
    children, milestones = list(own["schedulers"]), own["milestones"]
    if draw(st.booleans()):
        children[draw(st.integers(0, len(children) - 1))] = inner
    elif draw(st.booleans()):
        children, milestones = [*children, inner], (*milestones, max(shared["steps"], *milestones, 0))
    else:
        children, milestones = [inner, *children], (0, *milestones)
    return a_case(dtype, schedulers=tuple(children), milestones=milestones, **shared)


@st.composite
def chained_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Chains of schedulers that take the rate as it is."""
    own = draw(CHAINS)
    events = tuple(own["total_iters"] for _, own in own["schedulers"] if "total_iters" in own)
    return a_case(dtype, **own, **draw(frame(events=events)))


# The laws.


def a_wrapper_changes_nothing(trial: Trial, case: Case) -> None:
    """A sequence of one scheduler is that scheduler, as it is before a milestone that is never reached."""
    first, plain = case.options["schedulers"][:1], case.but(resume_at=None)
    alone = trial.run(plain.but(schedulers=first, milestones=()))["lr"]
    twice = trial.run(plain.but(schedulers=first * 2, milestones=(1000,)))["lr"]
    assert_same(alone, twice, "a scheduler alone is not the same as before a milestone that is never reached")


def what_is_over_leaves_no_trace(trial: Trial, case: Case) -> None:
    """Schedulers before a milestone at 0 never act."""
    children, plain = case.options["schedulers"], case.but(resume_at=None)
    alone = trial.run(plain.but(schedulers=children[-1:], milestones=()))["lr"]
    after = trial.run(plain.but(milestones=(0,) * (len(children) - 1)))["lr"]
    assert_same(after, alone, "a scheduler after milestones at 0 is not the scheduler alone")


def is_a_product(trial: Trial, case: Case) -> None:
    """A chain's rate is the initial one times every factor: exact with factors ½ and initial rate 1."""
    halves = (
        ("StepLR", {"step_size": 2, "gamma": 0.5}),
        ("ConstantLR", {"factor": 0.5, "total_iters": 3}),
        ("ExponentialLR", {"gamma": 0.5}),
    )
    chosen = halves[len(case.options["schedulers"]) % 3 :] + halves[:1]
    plain = case.but(resume_at=None, lr=(1.0,), steps=min(case.options["steps"], 30))
    wanted = np.prod([trial.run(plain.but(schedulers=(child,)))["lr"] for child in chosen], axis=0)
    assert_same(trial.run(plain.but(schedulers=chosen))["lr"], wanted, "a chain is not the product of its factors")


SequentialLR = operation(
    "SequentialLR",
    sequential_lr,
    oracles.sequential_lr,
    cases=sequential_cases,
    share=0.6,
    rejects={
        "there must be one milestone less than schedulers": lambda case: case.but(milestones=(*case.options["milestones"], 50)),
        "there must be a scheduler": lambda case: case.but(schedulers=(), milestones=()),
        "ReduceLROnPlateau needs a metric": lambda case: case.but(schedulers=(("ReduceLROnPlateau", {}),), milestones=()),
    },
    laws=(
        Law("a wrapper changes nothing", a_wrapper_changes_nothing),
        Law("what is over leaves no trace", what_is_over_leaves_no_trace),
    ),
)
Nested = operation("SequentialLR", sequential_lr, oracles.sequential_lr, variant="Nested", cases=nested_cases, share=0.4)
ChainedScheduler = operation(
    "ChainedScheduler",
    chained_scheduler,
    oracles.chained_scheduler,
    cases=chained_cases,
    rejects={
        "there must be a scheduler": lambda case: case.but(schedulers=()),
        "ReduceLROnPlateau needs a metric": lambda case: case.but(schedulers=(("ReduceLROnPlateau", {}),)),
    },
    laws=(Law("a chain is a product", is_a_product),),
)

OPERATIONS = (SequentialLR, Nested, ChainedScheduler)
