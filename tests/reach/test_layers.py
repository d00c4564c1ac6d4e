"""The strategies of layers draw the classes of input that real bugs needed: sizes, special values, empty arrays, windows, layouts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase

from conformance import backends
from conformance.model import Case
from conformance.operations import all_operations
from conformance.test_layout import laid_out_cases
from oracles.windows import extent, spread
from tests.reach.pool import drawn

OPERATIONS = {operation.id: operation for operation in all_operations()}
WIDTHS = {7, 8, 9, 15, 16, 17, 31, 32, 33}
Condition = Callable[[Case], Any]


def numbers(case: Case) -> np.ndarray:
    """The first floating array of a case, flat."""
    return next(a for a in case.arrays.values() if a is not None and a.dtype.kind == "f").ravel()


def at_a_vector(case: Case) -> bool:
    """A side around the width of a vector register."""
    return any(WIDTHS & set(a.shape) for a in case.arrays.values() if a is not None)


def without_elements(case: Case) -> bool:
    """An array without elements."""
    return any(a is not None and a.size == 0 for a in case.arrays.values())


def alike(case: Case) -> bool:
    """Equal numbers throughout."""
    x = numbers(case)
    return x.size > 2 and bool(np.all(x == x[0]))


def nan_among_numbers(case: Case) -> bool:
    """Some NaN, and more numbers."""
    return 0 < np.isnan(numbers(case)).sum() * 2 < numbers(case).size


def infinity_among_numbers(case: Case) -> bool:
    """Some infinity, and more numbers."""
    return 0 < np.isinf(numbers(case)).sum() * 2 < numbers(case).size


def negative_zero(case: Case) -> bool:
    """−0."""
    x = numbers(case)
    return bool(np.any((x == 0) & np.signbit(x)))


def subnormal(case: Case) -> bool:
    """A subnormal number."""
    x = np.abs(numbers(case))
    return bool(np.any((x > 0) & (x < np.finfo(float).smallest_normal)))


def by_numbers_and_by_tuples(name: str) -> tuple[Condition, Condition]:
    """An option as one number, and as a tuple of different ones."""
    return (
        lambda case: isinstance(case.options[name], int),
        lambda case: isinstance(case.options[name], tuple) and len(set(case.options[name])) > 1,
    )


SLIDING = ("Conv2d", "ConvTranspose2d", "Unfold", "Fold", "AvgPool2d", "MaxPool2d", "LPPool2d", "AdaptiveAvgPool2d")
RESAMPLING = ("interpolate_linear", "interpolate_bicubic", "interpolate_antialias", "grid_sample", "PixelShuffle")
OTHERS = ("Linear", "Softmax", "scaled_dot_product_attention", "MultiheadAttention", "Dropout", "ReflectionPad2d")
TABLES = ("Embedding", "EmbeddingBag")
CLASSES: Mapping[Condition, tuple[str, ...]] = {
    at_a_vector: (*SLIDING, *RESAMPLING, *OTHERS, *TABLES),
    without_elements: (*SLIDING, *RESAMPLING, *OTHERS, *TABLES),
    alike: (*SLIDING, *RESAMPLING, *OTHERS, *TABLES),
    nan_among_numbers: (*SLIDING, *RESAMPLING, "Linear", "scaled_dot_product_attention", "ReflectionPad2d", *TABLES),
    infinity_among_numbers: (*SLIDING, *RESAMPLING, "Linear", "Softmax", "scaled_dot_product_attention", "ReflectionPad2d", *TABLES),
    negative_zero: ("Conv2d", "MaxPool2d", "interpolate_nearest", "Linear", "Dropout", "ReflectionPad2d"),
    subnormal: ("Conv2d", "AvgPool2d", "interpolate_linear", "Linear", "Dropout", "LayerNorm"),
}


@pytest.mark.parametrize(
    ("name", "condition"),
    [(name, condition) for condition, names in CLASSES.items() for name in names],
    ids=lambda v: getattr(v, "__name__", v),
)
def test_the_class_is_drawn(name: str, condition: Condition) -> None:
    drawn(OPERATIONS[name], condition)


@pytest.mark.parametrize("name", ["Sigmoid", "LogSigmoid", "Softplus", "ELU", "SiLU", "GELU"])
@pytest.mark.parametrize("point", [20, 88, 100, 710])
def test_activations_where_exponentials_go_over(name: str, point: float) -> None:
    """Both signs: the gradient has a finite limit on one side."""
    for sign in (1, -1):
        drawn(OPERATIONS[name], lambda case, at=sign * point: np.any(np.abs(numbers(case) - at) < 0.01))


@pytest.mark.parametrize("name", ["Softmax", "LogSoftmax", "scaled_dot_product_attention"])
def test_shares_that_vanish_beside_others(name: str) -> None:
    drawn(OPERATIONS[name], lambda case: case.regime == "wide" and np.ptp(numbers(case)) > 800 if numbers(case).size else False)


# Windows.


def sides(case: Case, rank: int) -> tuple[int, ...]:
    """The sides of the image."""
    x = case.arrays["x"]
    assert x is not None
    return x.shape[-rank:]


def in_the_padding(rank: int) -> Condition:
    """A window wholly in the padding (pytorch#114216): its first cell before the image, its second behind it."""

    def condition(case: Case) -> bool:
        options = case.options
        far = np.greater(spread(options["dilation"], rank), sides(case, rank))
        return bool(options["return_indices"] and np.any(far & np.greater(spread(options["padding"], rank), 0)))

    return condition


def larger_than_the_image(case: Case) -> bool:
    """A window that fits into the padded image only."""
    kernel = case.arrays["weight"].shape[2:] if "weight" in case.arrays else spread(case.options["kernel_size"], 2)  # type: ignore[union-attr]
    return any(k > side for k, side in zip(extent(kernel, spread(case.options.get("dilation", 1), 2)), sides(case, 2), strict=True))


def all_low(case: Case) -> bool:
    """−∞ throughout, with indices."""
    return numbers(case).size > 1 and bool(np.all(numbers(case) == -np.inf)) and case.options["return_indices"]


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_114216_windows_wholly_in_the_padding(rank: int) -> None:
    drawn(OPERATIONS[f"MaxPool{rank}d"], in_the_padding(rank))


@pytest.mark.parametrize("name", ["Conv2d", "Unfold", "MaxPool2d", "AvgPool2d"])
def test_windows_larger_than_the_image(name: str) -> None:
    drawn(OPERATIONS[name], larger_than_the_image)


@pytest.mark.parametrize("name", ["MaxPool1d", "MaxPool3d", "AdaptiveMaxPool2d", "FractionalMaxPool2d"])
def test_nothing_but_minus_infinity_in_a_window(name: str) -> None:
    drawn(OPERATIONS[name], all_low)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_136716_a_negative_dilation_is_asked(rank: int) -> None:
    operation = OPERATIONS[f"MaxPool{rank}d"]
    broken = operation.rejects["dilation must not be negative"](drawn(operation, lambda case: numbers(case).size > 0))
    assert broken is not None
    assert min(spread(broken.options["dilation"], rank)) < 0


@pytest.mark.parametrize("name", ["MaxPool2d", "AvgPool3d", "LPPool2d"])
def test_100987_a_last_window_that_hangs_over(name: str) -> None:
    """One that begins in the image and ends behind its padding, in each of the poolings that can have one."""
    rank = int(name[-2])

    def wanted(case: Case) -> bool:
        options = {"padding": 0, "dilation": 1, **case.options}
        kernel = spread(options["kernel_size"], rank)
        steps = kernel if options["stride"] is None else spread(options["stride"], rank)
        axes = zip(
            sides(case, rank), extent(kernel, spread(options["dilation"], rank)), steps, spread(options["padding"], rank), strict=True
        )
        lasts = ((n, k, p, -((k - n - 2 * p) // s) * s - p) for n, k, s, p in axes)
        return options["ceil_mode"] and any(last + k > n + p and last < n for n, k, p, last in lasts)

    drawn(OPERATIONS[name], wanted)


def test_198119_a_row_that_is_pooled_along_one_axis_with_a_window_that_hangs_over() -> None:
    def wanted(case: Case) -> bool:
        kernel = spread(case.options["kernel_size"], 2)
        padded = any(spread(case.options["padding"], 2))
        return case.options["ceil_mode"] and not padded and kernel[0] == 1 < kernel[1] and sides(case, 2)[1] % kernel[1] > 0

    drawn(OPERATIONS["AvgPool2d"], lambda case: wanted(case) and case.options["stride"] in (None, case.options["kernel_size"]))


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("Unfold", "kernel_size"),
        ("Unfold", "padding"),
        ("Fold", "output_size"),
        ("AdaptiveAvgPool2d", "output_size"),
        ("LPPool2d", "stride"),
    ],
)
def test_options_are_numbers_and_tuples(name: str, option: str) -> None:
    for condition in by_numbers_and_by_tuples(option):
        drawn(OPERATIONS[name], condition)


# Masks.


@pytest.mark.parametrize("kind", ["bool", "float64"])
@pytest.mark.parametrize("axes", [2, 3])
def test_masks_of_two_and_of_three_axes(kind: str, axes: int) -> None:
    def wanted(case: Case) -> bool:
        mask = case.arrays["attn_mask"]
        return mask is not None and mask.dtype == kind and mask.ndim == axes and mask.size > 1

    drawn(OPERATIONS["MultiheadAttention"], wanted)


# Layouts.


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("Conv2d", "x"),
        ("Conv2d", "weight"),
        ("MaxUnpool2d", "indices"),
        ("Embedding", "input"),
        ("EmbeddingBag", "offsets"),
        ("Linear", "weight"),
    ],
)
def test_every_layout_of_inputs_weights_and_indices(name: str, array: str) -> None:
    """A kernel that indexes linearly is wrong on each of these."""
    found: set[str] = set()

    @hypothesis.seed(0)
    @hypothesis.settings(max_examples=150, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @hypothesis.given(laid_out_cases(OPERATIONS[name], "float32", backends.form("cpu")))
    def collect(case: Case) -> None:
        a = case.arrays[array]
        if a is not None and a.size > 1:
            found.add(case.layouts[array])

    collect()
    assert found >= {"contiguous", "strided", "offset", "window"} | ({"transposed"} if array != "offsets" else set())
