"""The strategies of optimizers reach the inputs that reported bugs needed."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings

from conformance import backends
from conformance.model import Case
from conformance.operations import all_operations
from conformance.test_layout import laid_out_cases

OPERATIONS = {operation.id: operation for operation in all_operations()}
FUSED = ("SGD", "Adam", "AdamW", "Adagrad")
STEPPING = [
    name for name, operation in OPERATIONS.items() if "missing" in inspect.signature(operation.oracle).parameters and operation.state
]


@cache
def drawn(name: str, strategy: Callable[..., object] | None = None, dtype: str = "float32") -> tuple[Case, ...]:
    """Some hundred cases of an operation, or of what a property makes of them."""
    operation, cases = OPERATIONS[name], []
    make = strategy(operation, dtype, backends.form("cpu")) if strategy else operation.cases(dtype)

    @seed(0)
    @settings(max_examples=700, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(make)
    def collect(case: Case) -> None:
        cases.append(case)

    collect()
    return tuple(cases)


def some(name: str, *conditions: Callable[[Case], bool], strategy: Callable[..., object] | None = None, dtype: str = "float32") -> bool:
    """Whether one of the cases fulfils all conditions."""
    return any(all(condition(case) for condition in conditions) for case in drawn(name, strategy, dtype))


def option(name: str, value: object) -> Callable[[Case], bool]:
    """Whether an option has a value."""
    return lambda case: case.options[name] == value


def lie(layout: str, *arrays: str) -> Callable[[Case], bool]:
    """Whether one of some arrays has a layout."""
    return lambda case: layout in {case.layouts.get(name) for name in arrays}


@pytest.mark.parametrize("name", FUSED)
@pytest.mark.parametrize("layout", ["strided", "transposed", "window"])
def test_fused_steps_of_parameters_and_gradients_that_are_not_dense(name, layout):
    """A9, e6."""
    for arrays in (("first", "second"), ("first_gradients", "second_gradients")):
        assert some(name, option("implementation", "fused"), lie(layout, *arrays), strategy=laid_out_cases)


@pytest.mark.parametrize("name", [name for name in STEPPING if name not in ("SparseAdam", "LBFGS", "Muon")])
def test_gradients_come_late_or_never_or_are_expanded(name):
    """A9, A10."""
    assert some(name, lambda case: 0 in case.options["missing"] and len(case.options["missing"]) < len(case.arrays["first_gradients"]))
    assert some(name, lambda case: len(case.options["missing"]) == len(case.arrays["first_gradients"]))
    assert some(name, option("gradients", "expanded"), lambda case: case.arrays["first"].size > 1)


@pytest.mark.parametrize("name", FUSED)
def test_a_gradient_is_infinite_once_and_a_scaler_skips_the_step(name):
    """A10, e7."""
    assert some(
        name,
        option("implementation", "fused"),
        lambda case: bool(case.options["skipped"]) and 0 in case.options["skipped"] and len(case.arrays["first_gradients"]) > 1,
        *([lambda case: case.options["momentum"] > 0] if name == "SGD" else []),
    )


def test_foreach_steps_of_asgd_in_float64():
    """e8."""
    assert some("ASGD", option("implementation", "foreach"), lambda case: len(case.arrays["first_gradients"]) > 2, dtype="float64")


@pytest.mark.parametrize("name", [name for name in STEPPING if name != "LBFGS"])
def test_hyperparameters_at_the_ends_of_their_ranges(name):
    """A11: 0, 1 exactly, and a decay of which the product with the rate is 1."""
    if name != "SparseAdam":  # whose rate must be positive
        assert some(name, option("lr", 0.0))
    assert some(name, option("lr", 1.0))
    if "weight_decay" in drawn(name)[0].options:
        assert some(name, option("weight_decay", 0.0))
        assert some(name, lambda case: case.options["lr"] * case.options["weight_decay"] == 1)
    for share in {"momentum", "alpha", "rho"} & {*drawn(name)[0].options}:
        assert some(name, option(share, 0.0))
        assert some(name, option(share, 1.0))


@pytest.mark.parametrize("name", STEPPING)
def test_states_are_saved_and_loaded_before_every_step(name):
    """A13."""
    for step in range(4):
        assert some(name, option("resume_at", step))


@pytest.mark.parametrize("name", [name for name in STEPPING if name not in ("LBFGS", "Muon")])
def test_values_that_are_not_finite_stand_beside_finite_ones(name):
    """A2, in parameters and gradients longer than a vector register."""
    assert some(
        name,
        lambda case: (
            case.arrays["first"].size >= 8
            and 0 < np.count_nonzero(~np.isfinite(case.arrays["first_gradients"])) < case.arrays["first"].size
        ),
    )
