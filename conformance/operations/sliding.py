"""What operations that slide a window over an image draw, refuse and obey alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial
from conformance.model import Case, Cost, Law, Shape
from conformance.operations.laws import assert_same
from conformance.strategies import FLOAT_REGIMES, Data, data_of, is_float
from oracles.windows import extent, spread

FEW, SMALL, FLAGS = st.integers(1, 3), st.integers(1, 4), st.booleans()
BATCH = st.sampled_from((1, 2, None, 3, 2, None, 3, 0))  # None: no batch axis
WIDE = st.sampled_from((7, 8, 9, 15, 16, 17, 31, 32, 33))
LARGE = st.sampled_from(("", "", "", "sides", "channels"))
WRITTEN = st.sampled_from(("tuple", "number", "one"))
WRITTEN_WHOLE = st.sampled_from(("tuple", "number"))


def nothing(**_: Any) -> Cost:
    """No parameters and no products."""
    return Cost(0, 0)


def image(case: Case) -> np.ndarray:
    """The array that is pooled."""
    x = case.arrays["x"]
    assert x is not None
    return x


def whole(case: Case) -> np.ndarray:
    """The case's image in small integers."""
    with np.errstate(invalid="ignore"):
        return np.rint(np.clip(np.nan_to_num(image(case).astype(float)), -9, 9)).astype(image(case).dtype)


# Draws.


def written(draw: st.DrawFn, values: Shape, tuples_of_one: bool = True) -> Any:
    """Values for every axis as an integer or a tuple of one, where they are equal and it is so drawn."""
    if len(set(values)) > 1:
        return values
    return {"tuple": values, "number": values[0], "one": values[:1]}[draw(WRITTEN if tuples_of_one else WRITTEN_WHOLE)]


@dataclass(frozen=True)
class Slides:
    """Windows that were drawn, and an image into which one fits at least; `stride` None where it is left to be the kernel."""

    kernel: Shape
    stride: Shape | None
    padding: Shape
    dilation: Shape
    ceil_mode: bool
    sides: Shape


def slides(draw: st.DrawFn, rank: int, large: str, padded: bool = True, dilated: bool = True, hanging: bool = True) -> Slides:
    """Draw windows and an image that is now and then around the width of a vector register along one axis.

    With `hanging` the last window hangs over in most cases with ceil_mode, otherwise as often as it happens to.
    """

    def each(values: st.SearchStrategy[int]) -> Shape:
        one = draw(values)
        return (one,) * rank if draw(FLAGS) else (one, *(draw(values) for _ in range(rank - 1)))

    kernel, stride = each(SMALL if rank < 3 else FEW), None if draw(st.integers(0, 2)) == 0 else each(FEW)
    dilation = each(FEW) if dilated else (1,) * rank
    padding, ceil_mode = tuple(draw(st.integers(0, k // 2)) if padded else 0 for k in kernel), draw(FLAGS)
    least = least_sides(kernel, stride or kernel, padding, dilation, ceil_mode)
    room = st.integers(0, 6 if rank < 3 else 3)
    sides = [side + draw(room) for side in least]
    if large == "sides":
        axis = draw(st.integers(0, rank - 1))
        sides[axis] = max(least[axis], draw(WIDE))
    if hanging and ceil_mode:
        reach, steps = extent(kernel, dilation), stride or kernel
        sides = [n + ((n + 2 * p - r) % s == 0 and s > 1) for n, p, r, s in zip(sides, padding, reach, steps, strict=True)]
    return Slides(kernel, stride, padding, dilation, ceil_mode, tuple(sides))


def planes(draw: st.DrawFn, large: str, rank: int) -> Shape:
    """A batch, or none, and channels."""
    n, channels = draw(BATCH), draw(WIDE if large == "channels" else SMALL if rank < 3 else FEW)
    return (*(() if n is None else (n,)), channels)


def pooling_data(dtype: str) -> st.SearchStrategy[Data]:
    """Data with special values in a third of the cases."""
    return data_of(dtype, (*FLOAT_REGIMES, "special", "special")) if is_float(dtype) else data_of(dtype)


def speckled(data: Data, *sides: int) -> np.ndarray:
    """The image x; among special data with one NaN at least."""
    x = data.array("x", *sides)
    if data.regime == "special" and x.size:
        x.reshape(-1)[data.rng("NaN").integers(x.size)] = np.nan
    return x


def pooled(draw: st.DrawFn, data: Data, *sides: int) -> np.ndarray:
    """The same; among special data some that are −∞ throughout."""
    x = speckled(data, *sides)
    return np.full_like(x, -np.inf) if data.regime == "special" and draw(st.sampled_from((False, False, True))) else x


def least_sides(kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, ceil_mode: bool) -> Shape:
    """The smallest image in which there is a window; with ceil_mode it may hang over."""
    axes = zip(extent(kernel, dilation), stride, padding, strict=True)
    return tuple(max(1, reach - 2 * p - (s - 1 if ceil_mode else 0)) for reach, s, p in axes)


# What must be refused.


def least_of(case: Case, rank: int, ceil_mode: bool | None = None) -> Shape:
    """The smallest image in which a case has a window."""
    options = {"padding": 0, "dilation": 1, **case.options}
    kernel = spread(options["kernel_size"], rank)
    steps = kernel if options["stride"] is None else spread(options["stride"], rank)
    hangs = options["ceil_mode"] if ceil_mode is None else ceil_mode
    return least_sides(kernel, steps, spread(options["padding"], rank), spread(options["dilation"], rank), hangs)


def too_small(rank: int) -> Callable[[Case], Case | None]:
    """An image in which there is no window."""

    def smaller(case: Case) -> Case | None:
        least = least_of(case, rank)
        return case.but(x=image(case)[..., : least[-1] - 1]) if least[-1] > 1 else None

    return smaller


def too_many_axes(rank: int) -> Callable[[Case], Case | None]:
    """A batch of batches."""
    return lambda case: case.but(x=image(case)[(None,) * (rank + 3 - image(case).ndim)])


def without_channels(case: Case) -> Case:
    """The rows of an image, and neither channels nor batch."""
    return case.but(x=image(case).reshape(-1, image(case).shape[-1]))


def one_row(case: Case) -> Case | None:
    """A single row: no channels and no batch."""
    return case.but(x=image(case).reshape(-1, image(case).shape[-1])[0]) if image(case).size else None


def rowless(rank: int) -> Callable[[Case], Case | None]:
    """An image without channels: for one axis a single row."""
    return one_row if rank == 1 else without_channels


# Laws.


def turned(a: np.ndarray, rank: int) -> np.ndarray:
    """The last axes in the opposite order."""
    return np.ascontiguousarray(np.moveaxis(a, range(-rank, 0), range(-1, -rank - 1, -1)))


def axes_are_alike(rank: int) -> Law:
    """Image and options with their axes reversed give the output with its axes reversed: on whole numbers, to the bit."""

    def check(trial: Trial, case: Case) -> None:
        options = {name: value[::-1] for name, value in case.options.items() if isinstance(value, tuple)}
        case = case.but(x=whole(case))
        other = case.but(x=turned(image(case), rank), **options)
        assert_same(trial.run(other)["output"], turned(trial.run(case)["output"], rank), "axes are not alike")

    return Law("axes are alike", check)


def follows_increasing_maps(trial: Trial, case: Case) -> None:
    """max ∘ g = g ∘ max for increasing g."""
    x = whole(case)
    for name, g in (("2x", lambda v: v + v), ("|x|x", lambda v: abs(v) * v)):
        mapped, output = trial.run(case.but(x=g(x)))["output"], trial.run(case.but(x=x))["output"]
        assert_same(mapped, g(output), f"the maximum of {name} is not {name} of the maximum")


def doubles(trial: Trial, case: Case) -> None:
    """Twice an image of whole numbers gives twice the output, to the bit."""
    x = whole(case)
    once, twice = trial.run(case.but(x=x))["output"], trial.run(case.but(x=x + x))["output"]
    assert_same(twice, once + once, "twice the image does not give twice the output")


def index_points_to_the_output(rank: int) -> Law:
    """x at the index is the output; −∞, which windows without a cell have, aside."""

    def check(trial: Trial, case: Case) -> None:
        x, results = image(case), trial.run(case)
        if "indices" not in results or not x.size:
            return
        y, at = results["output"], results["indices"]
        flat = x.reshape(*x.shape[:-rank], -1)
        at, y = at.reshape(*x.shape[:-rank], -1), y.reshape(*x.shape[:-rank], -1)
        at = np.where(y == -np.inf, 0, at)
        if not ((at >= 0) & (at < flat.shape[-1])).all():
            raise Disagreement("an index lies outside the plane", result="indices")
        taken = np.take_along_axis(flat, at, axis=-1)
        assert_same(np.where(y == -np.inf, y, taken), y, "x at the index is not the output")

    return Law("the index points to the output", check)
