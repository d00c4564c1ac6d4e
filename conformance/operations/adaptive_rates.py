"""Optimizers that divide each gradient by the size of those before it: Adagrad, RMSprop, Adadelta."""

from __future__ import annotations

from typing import Any

from conformance.model import FLOATS, Operation
from conformance.operations.optimizer import ALONE, DECAYS, RATES, SHARES, SMALL, YES_OR_NO, cases_of, rejects_of, shape_of, walk
from conformance.operations.optimizer_laws import COUPLED
from oracles import adaptive_rates

LOOPS, FUSED = ("default", "single", "foreach", "differentiable"), ("default", "single", "foreach", "fused", "differentiable")


def call_adagrad(**arguments: Any) -> Any:
    """Steps of Adagrad."""
    return walk("Adagrad", **arguments)


def call_rmsprop(**arguments: Any) -> Any:
    """Steps of RMSprop."""
    return walk("RMSprop", **arguments)


def call_adadelta(**arguments: Any) -> Any:
    """Steps of Adadelta."""
    return walk("Adadelta", **arguments)


COMMON = {"lr": RATES, "eps": SMALL, "weight_decay": DECAYS, "maximize": YES_OR_NO}

Adagrad = Operation(
    name="torch.optim.Adagrad",
    call=call_adagrad,
    oracle=adaptive_rates.Adagrad,
    cases=cases_of(
        {**COMMON, "lr_decay": (0.0, 0.5, 0.01), "initial_accumulator_value": (0.0, 0.5, 0.1)},
        FUSED,
        lr_tensors=FUSED,
    ),
    shape=shape_of(adaptive_rates.Adagrad),
    state="resume_at",
    follows_subject=True,
    abstract=False,
    pure=False,
    result_dtypes=ALONE,
    rejects=rejects_of("eps", "weight_decay", "lr_decay", "initial_accumulator_value", fused=True),
    laws=COUPLED,
    dtypes=FLOATS,
)

RMSprop = Operation(
    name="torch.optim.RMSprop",
    call=call_rmsprop,
    oracle=adaptive_rates.RMSprop,
    cases=cases_of({**COMMON, "alpha": (0.99, 0.5, 0.0, 0.9, 1.0), "momentum": SHARES, "centered": YES_OR_NO}, LOOPS, lr_tensors=LOOPS),
    shape=shape_of(adaptive_rates.RMSprop),
    state="resume_at",
    follows_subject=True,
    abstract=False,
    pure=False,
    result_dtypes=ALONE,
    rejects=rejects_of("eps", "weight_decay", "alpha", "momentum"),
    laws=COUPLED,
    dtypes=FLOATS,
)

Adadelta = Operation(
    name="torch.optim.Adadelta",
    call=call_adadelta,
    oracle=adaptive_rates.Adadelta,
    cases=cases_of({**COMMON, "rho": (0.9, 0.5, 0.0, 1.0, 0.99)}, LOOPS, lr_tensors=LOOPS),
    shape=shape_of(adaptive_rates.Adadelta),
    state="resume_at",
    follows_subject=True,
    abstract=False,
    pure=False,
    result_dtypes=ALONE,
    rejects={**rejects_of("eps", "weight_decay", "rho"), "rho must be at most 1": lambda case: case.but(rho=1.1)},
    laws=COUPLED,
    dtypes=FLOATS,
)

OPERATIONS = (Adagrad, RMSprop, Adadelta)
