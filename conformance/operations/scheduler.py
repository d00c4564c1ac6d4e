"""Schedulers whose rate follows from the rate before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial
from conformance.model import Case, Law, Operation
from conformance.operations.scheduler_frame import DTYPES, FACTORS, NEEDS_RATES, a_case, frame, run, shape, tables, told_the_epoch
from oracles import scheduler as oracles

# The calls.


def lambda_lr(**options: Any) -> Any:
    """The rates of LambdaLR."""
    return run("LambdaLR", **options)


def multiplicative_lr(**options: Any) -> Any:
    """The rates of MultiplicativeLR."""
    return run("MultiplicativeLR", **options)


def step_lr(**options: Any) -> Any:
    """The rates of StepLR."""
    return run("StepLR", **options)


def multi_step_lr(**options: Any) -> Any:
    """The rates of MultiStepLR."""
    return run("MultiStepLR", **options)


def constant_lr(**options: Any) -> Any:
    """The rates of ConstantLR."""
    return run("ConstantLR", **options)


def linear_lr(**options: Any) -> Any:
    """The rates of LinearLR."""
    return run("LinearLR", **options)


def exponential_lr(**options: Any) -> Any:
    """The rates of ExponentialLR."""
    return run("ExponentialLR", **options)


def polynomial_lr(**options: Any) -> Any:
    """The rates of PolynomialLR."""
    return run("PolynomialLR", **options)


def cosine_annealing_lr(**options: Any) -> Any:
    """The rates of CosineAnnealingLR."""
    return run("CosineAnnealingLR", **options)


# The cases: settings by the scheduler's name, also for schedulers made of schedulers.

LENGTHS = st.one_of(st.integers(1, 9), st.sampled_from((20, 64)))
SHARES = st.sampled_from((0.5, 0.1, 1 / 3, 1.0, 0.9, 0.05))
LEASTS = st.sampled_from((0.0, 0.01, 0.5, 1e-5))


@st.composite
def milestones(draw: st.DrawFn) -> tuple[int, ...]:
    """Increasing epochs, some listed twice, also 0."""
    return tuple(sorted(draw(st.lists(st.integers(0, 12), max_size=4))))


SETTINGS: Mapping[str, Callable[[], st.SearchStrategy[dict[str, Any]]]] = {
    "StepLR": lambda: st.fixed_dictionaries({"step_size": LENGTHS, "gamma": FACTORS}),
    "MultiStepLR": lambda: st.fixed_dictionaries({"milestones": milestones(), "gamma": FACTORS}),
    "ConstantLR": lambda: st.fixed_dictionaries({"factor": st.one_of(SHARES, SHARES, st.just(0.0)), "total_iters": st.integers(0, 9)}),
    "LinearLR": lambda: st.fixed_dictionaries(
        {"start_factor": SHARES, "end_factor": st.one_of(SHARES, st.just(0.0)), "total_iters": LENGTHS}
    ),
    "ExponentialLR": lambda: st.fixed_dictionaries({"gamma": FACTORS}),
    "PolynomialLR": lambda: st.fixed_dictionaries({"total_iters": LENGTHS, "power": st.sampled_from((1.0, 2.0, 0.5, 0.9, 3.0))}),
    "CosineAnnealingLR": lambda: st.fixed_dictionaries({"T_max": LENGTHS, "eta_min": LEASTS}),
}
EVENTS: Mapping[str, Callable[[Mapping[str, Any]], tuple[int, ...]]] = {
    "StepLR": lambda own: (own["step_size"], 2 * own["step_size"]),
    "MultiStepLR": lambda own: own["milestones"],
    "ConstantLR": lambda own: (own["total_iters"],),
    "LinearLR": lambda own: (own["total_iters"],),
    "PolynomialLR": lambda own: (own["total_iters"],),
    "CosineAnnealingLR": lambda own: (own["T_max"], own["T_max"] + 1),
}


def cases_of(name: str) -> Callable[[str], st.SearchStrategy[Case]]:
    """Strategies of cases by dtype."""

    @st.composite
    def cases(draw: st.DrawFn, dtype: str) -> Case:
        own = draw(SETTINGS[name]())
        shared = draw(frame(events=EVENTS.get(name, lambda own: ())(own)))
        return a_case(dtype, **own, **shared, given=told_the_epoch(draw, shared["steps"]))

    return cases


@st.composite
def lambda_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Functions for all groups or for each; objects that are saved, or functions that are not."""
    shared = draw(frame())
    saved = draw(st.booleans()) and shared["resume_by"] == "state_dict"
    return a_case(dtype, lr_lambda=draw(tables(len(shared["lr"]))), saved=saved, **shared)


# The laws.

FEW = 10


def schedule_of(name: str, options: Mapping[str, Any]) -> Any:
    """The oracle's recurrence and closed form."""
    factories = {
        "StepLR": (oracles.stepped, ("step_size", "gamma")),
        "MultiStepLR": (oracles.milestones_passed, ("milestones", "gamma")),
        "ConstantLR": (oracles.constant_at_first, ("factor", "total_iters")),
        "LinearLR": (oracles.linear, ("start_factor", "end_factor", "total_iters")),
        "ExponentialLR": (oracles.exponential, ("gamma",)),
        "PolynomialLR": (oracles.polynomial, ("total_iters", "power")),
        "CosineAnnealingLR": (oracles.cosine, ("T_max", "eta_min")),
    }
    factory, names = factories[name]
    return factory(**{key: options[key] for key in names})  # type: ignore[operator]


def forms_agree(name: str) -> Callable[[Trial, Case], None]:
    """Some steps of the product form end where the closed form puts them, within what rounding adds up to on the way."""

    def check(trial: Trial, case: Case) -> None:
        steps = min(FEW, case.options["steps"])
        plain = case.but(resume_at=None, steps=steps)
        if name == "ConstantLR" and (case.options["factor"] == 0 or case.options["total_iters"] == 0):
            return  # there is nothing that the product form could undo
        one, other = (trial.run(plain.but(given=given))["lr"] for given in (None, tuple(range(1, steps))))
        path = oracles.in_a_row(schedule_of(name, case.options), oracles.initial(case.options["lr"], case.options["lr_as"]), steps)
        room = np.concatenate([ball.error + ball.by.storage.unit * np.abs(ball.value) for ball in path])
        if np.any(np.abs(one - other) > 2 * room):
            raise Disagreement(f"the product form {one.tolist()} is not the closed form {other.tolist()}", result="lr")

    return check


def grows_with_the_rate(trial: Trial, case: Case) -> None:
    """Twice the initial rates are twice the rates, exactly."""
    plain = case.but(resume_at=None, lr=tuple(max(rate, 1e-3) for rate in case.options["lr"]))
    double = plain.but(lr=tuple(2 * rate for rate in plain.options["lr"]))
    once, twice = trial.run(plain)["lr"], trial.run(double)["lr"]
    normal = once > 2.0**-100  # below, doubling is not exact in a tensor of float32
    if np.any((twice != 2 * once) & normal):
        raise Disagreement("twice the initial rates are not twice the rates", result="lr")


def product_laws(name: str) -> tuple[Law, ...]:
    """What holds for factors of the initial rate."""
    return (
        Law("the product form is the closed form", forms_agree(name)),
        Law("rates grow with the initial rate", grows_with_the_rate),
    )


# What must be refused.


def too_many(case: Case) -> Case:
    """One function more than there are groups, and at least two."""
    return case.but(lr_lambda=((1.0,),) * (len(case.options["lr"]) + 1))


def operation(name: str, call: Callable[..., Any], oracle: Callable[..., Any], **more: Any) -> Operation:
    """A scheduler of torch.optim.lr_scheduler."""
    if name not in ("SequentialLR", "ReduceLROnPlateau"):
        more["rejects"] = {**more.get("rejects", {}), **NEEDS_RATES}
    return Operation(
        name=f"torch.optim.lr_scheduler.{name}",
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


LambdaLR = operation(
    "LambdaLR",
    lambda_lr,
    oracles.lambda_lr,
    cases=lambda_cases,
    rejects={"lr_lambda must have one function for every group": too_many},
    laws=(Law("rates grow with the initial rate", grows_with_the_rate),),
)
MultiplicativeLR = operation(
    "MultiplicativeLR",
    multiplicative_lr,
    oracles.multiplicative_lr,
    cases=lambda_cases,
    rejects={"lr_lambda must have one function for every group": too_many},
    laws=(Law("rates grow with the initial rate", grows_with_the_rate),),
)
StepLR = operation(
    "StepLR",
    step_lr,
    oracles.step_lr,
    cases=cases_of("StepLR"),
    rejects={"step_size must be positive": lambda case: case.but(step_size=0, resume_at=None, steps=2, given=None)},
    laws=product_laws("StepLR"),
)
MultiStepLR = operation(
    "MultiStepLR", multi_step_lr, oracles.multi_step_lr, cases=cases_of("MultiStepLR"), laws=product_laws("MultiStepLR")
)
ConstantLR = operation(
    "ConstantLR",
    constant_lr,
    oracles.constant_lr,
    cases=cases_of("ConstantLR"),
    rejects={
        "factor must not be negative": lambda case: case.but(factor=-0.1),
        "factor must not exceed 1": lambda case: case.but(factor=1.1),
    },
    laws=product_laws("ConstantLR"),
)
LinearLR = operation(
    "LinearLR",
    linear_lr,
    oracles.linear_lr,
    cases=cases_of("LinearLR"),
    rejects={
        "start_factor must be positive": lambda case: case.but(start_factor=0.0),
        "start_factor must not exceed 1": lambda case: case.but(start_factor=1.1),
        "end_factor must not be negative": lambda case: case.but(end_factor=-0.1),
        "end_factor must not exceed 1": lambda case: case.but(end_factor=1.1),
    },
    laws=product_laws("LinearLR"),
)
ExponentialLR = operation(
    "ExponentialLR", exponential_lr, oracles.exponential_lr, cases=cases_of("ExponentialLR"), laws=product_laws("ExponentialLR")
)
PolynomialLR = operation(
    "PolynomialLR", polynomial_lr, oracles.polynomial_lr, cases=cases_of("PolynomialLR"), laws=product_laws("PolynomialLR")
)
CosineAnnealingLR = operation(
    "CosineAnnealingLR",
    cosine_annealing_lr,
    oracles.cosine_annealing_lr,
    cases=cases_of("CosineAnnealingLR"),
    rejects={"T_max must be positive": lambda case: case.but(T_max=0, resume_at=None, steps=3, given=None)},
    laws=(Law("the product form is the closed form", forms_agree("CosineAnnealingLR")),),
)

OPERATIONS = (
    LambdaLR,
    MultiplicativeLR,
    StepLR,
    MultiStepLR,
    ConstantLR,
    LinearLR,
    ExponentialLR,
    PolynomialLR,
    CosineAnnealingLR,
)
