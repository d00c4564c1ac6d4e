"""The strategies of pooling and padding reach the inputs that reported bugs needed."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase

from conformance.model import Case
from conformance.operations import all_operations
from oracles.windows import spread

OPERATIONS = {operation.id: operation for operation in all_operations()}
EXAMPLES = 400


@cache
def drawn(operation: str, dtype: str) -> list[Case]:
    """Cases of an operation."""
    cases: list[Case] = []

    @hypothesis.seed(1)
    @hypothesis.settings(
        max_examples=EXAMPLES, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @hypothesis.given(OPERATIONS[operation].cases(dtype))
    def collect(case: Case) -> None:
        cases.append(case)

    collect()
    return cases


def reached(operation: str, condition: Callable[[Case], Any], dtype: str = "float32") -> bool:
    """Whether a case of a class is drawn."""
    return any(condition(case) for case in drawn(operation, dtype))


def x_of(case: Case) -> np.ndarray:
    """The image in float64."""
    x = case.arrays["x"]
    assert x is not None
    return x.astype(float)


def hangs_over(case: Case, rank: int) -> bool:
    """A last window that begins in the image and ends behind its padding."""
    options = case.options
    kernel = spread(options["kernel_size"], rank)
    steps = kernel if options["stride"] is None else spread(options["stride"], rank)
    axes = zip(x_of(case).shape[-rank:], kernel, steps, spread(options.get("padding", 0), rank), strict=True)
    lasts = ((n, k, p, -((k - n - 2 * p) // s) * s - p) for n, k, s, p in axes)
    return bool(options["ceil_mode"] and any(last + k > n + p and last < n for n, k, p, last in lasts))


def in_the_padding(case: Case) -> bool:
    """Windows wholly in the padding, with indices (pytorch#114216)."""
    options = case.options
    far = np.broadcast_to(options["dilation"], 2) > x_of(case).shape[-2:]
    return bool(options["return_indices"] and np.any(far & (np.broadcast_to(options["padding"], 2) > 0)))


def all_low(case: Case) -> bool:
    """−∞ throughout, padded, with indices."""
    x = x_of(case)
    return bool(x.size and np.all(x == -np.inf) and case.options["return_indices"] and np.any(case.options["padding"]))


def several_nan(case: Case) -> bool:
    """More NaN than one in a plane, with indices."""
    return bool(case.options["return_indices"] and np.any(np.sum(np.isnan(x_of(case)), axis=(-2, -1)) > 1))


def a_cell_only(case: Case) -> bool:
    """A window of one cell."""
    return bool(np.all(np.equal(case.options["kernel_size"], 1)))


def empty_batch(case: Case) -> bool:
    """No image at all."""
    return x_of(case).size == 0


def alike(case: Case) -> bool:
    """Equal numbers throughout, more than one."""
    x = x_of(case)
    return x.size > 1 and bool(np.all(x == x.flat[0]))


def a_tuple_of_one(case: Case) -> bool:
    """An option for every axis as a tuple of one."""
    return any(isinstance(value, tuple) and len(value) == 1 for value in case.options.values())


def at_a_vector(case: Case) -> bool:
    """A side or channels around the width of a vector register."""
    return any(side in (7, 8, 9, 15, 16, 17, 31, 32, 33) for side in x_of(case).shape)


REACHED = [
    ("MaxPool2d", in_the_padding),
    ("MaxPool2d", all_low),
    ("MaxPool2d", several_nan),
    ("AdaptiveMaxPool2d", several_nan),
    ("MaxPool2d", alike),
    ("MaxPool2d", a_cell_only),
    ("MaxPool2d", empty_batch),
    ("MaxPool2d", a_tuple_of_one),
    ("MaxPool2d", at_a_vector),
    ("AvgPool2d", empty_batch),
    ("AvgPool2d", a_tuple_of_one),
    ("AvgPool2d", lambda case: hangs_over(case, 2)),
    ("AvgPool1d", lambda case: hangs_over(case, 1)),
    ("AvgPool2d", lambda case: hangs_over(case, 2) and np.any(case.options["padding"]) and case.options["count_include_pad"]),
    ("AvgPool2d", lambda case: hangs_over(case, 2) and case.options["divisor_override"]),
    ("LPPool2d", lambda case: hangs_over(case, 2)),
    ("AdaptiveAvgPool2d", lambda case: isinstance(case.options["output_size"], tuple) and None in case.options["output_size"]),
    ("MaxUnpool2d", lambda case: case.options["output_size"] is not None),
    ("FractionalMaxPool2d", lambda case: case.options["output_ratio"] is not None),
    ("ReflectionPad2d", lambda case: np.any(np.less(case.options["padding"], 0))),
]


@pytest.mark.parametrize(("operation", "condition"), REACHED, ids=lambda value: getattr(value, "__name__", value))
def test_the_strategy_reaches_it(operation: str, condition: Callable[[Case], Any]) -> None:
    assert reached(operation, condition)


def test_negative_integers_whose_channels_lie_side_by_side_are_drawn() -> None:
    def negative(case: Case) -> bool:
        x = case.arrays["x"]
        return bool(x is not None and x.ndim == 4 and x.size and np.all(x < 0))

    assert reached("MaxPool2d_Integers", negative, "int32")
