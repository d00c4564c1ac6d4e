"""Pooling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial
from conformance.model import FLOATS, Case, Cost, Law, Operation, Shape, torch
from conformance.operations.laws import assert_same
from conformance.strategies import data_of, pair_of
from oracles.pooling import Pools, max_pool, max_pool_gradient
from oracles.windows import extent, of_rank, spread

# The call.


def max_pool2d(x: Any, **options: Any) -> Any:
    """The module's forward; with return_indices both of its results."""
    results = torch.nn.MaxPool2d(**options)(x)
    return dict(zip(("output", "indices"), results, strict=True)) if options["return_indices"] else results


# The formulas.


def pools_of(x: Shape, rank: int, options: Mapping[str, Any]) -> Pools:
    """The windows of a case."""
    return Pools(x, rank=rank, **{name: value for name, value in options.items() if name != "return_indices"})


def max_pool_shape(rank: int) -> Callable[..., Mapping[str, Shape]]:
    """⌊(L + 2·padding − dilation·(k − 1) − 1) / stride⌋ + 1, or ⌈·⌉ with ceil_mode, along every axis."""

    def shape(x: Shape, **options: Any) -> Mapping[str, Shape]:
        output = pools_of(x, rank, options).output
        return {"output": output, "indices": output} if options["return_indices"] else {"output": output}

    return shape


def nothing(**_: Any) -> Cost:
    """Pooling has no parameters and no products."""
    return Cost(0, 0)


# The cases.

FEW, SMALL, ROOM, CHANNELS = st.integers(1, 3), st.integers(1, 4), st.integers(0, 6), st.integers(1, 4)
BATCH = st.sampled_from((1, 2, 3, 0, None))  # None: no batch axis
WIDE = st.sampled_from((7, 8, 9, 15, 16, 17, 31, 32, 33))
LARGE = st.sampled_from(("", "", "", "sides", "channels"))
WRITTEN = st.sampled_from(("tuple", "number", "one"))


def written(draw: st.DrawFn, values: tuple[int, ...]) -> Any:
    """Values for every axis as an integer or a tuple of one, where they are equal and it is so drawn."""
    if len(set(values)) > 1:
        return values
    return {"tuple": values, "number": values[0], "one": values[:1]}[draw(WRITTEN)]


def max_pool_cases(rank: int) -> Callable[[str], st.SearchStrategy[Case]]:
    """Strategies of cases by dtype."""
    kernels, strides, dilations = pair_of(SMALL, rank), st.one_of(st.none(), pair_of(FEW, rank)), pair_of(FEW, rank)

    @st.composite
    def drawn(draw: st.DrawFn, dtype: str) -> Case:
        data, large, ceil_mode = draw(data_of(dtype)), draw(LARGE), draw(st.booleans())
        kernel = spread(draw(kernels), rank)
        stride, dilation = draw(strides), spread(draw(dilations), rank)
        padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
        steps = kernel if stride is None else spread(stride, rank)
        least = least_sides(kernel, steps, padding, dilation, ceil_mode)
        sides = [side + draw(ROOM) for side in least]
        if large == "sides":
            axis = draw(st.integers(0, rank - 1))
            sides[axis] = max(least[axis], draw(WIDE))
        n, channels = draw(BATCH), draw(WIDE if large == "channels" else CHANNELS)
        x = data.array("x", *(() if n is None else (n,)), channels, *sides)
        return data.case(
            {"x": x},
            kernel_size=written(draw, kernel),
            stride=None if stride is None else written(draw, steps),
            padding=written(draw, padding),
            dilation=written(draw, dilation),
            return_indices=draw(st.booleans()),
            ceil_mode=ceil_mode,
        )

    return drawn


def least_sides(kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, ceil_mode: bool) -> Shape:
    """The smallest image in which there is a window; with ceil_mode it may hang over."""
    axes = zip(extent(kernel, dilation), stride, padding, strict=True)
    return tuple(max(1, reach - 2 * p - (s - 1 if ceil_mode else 0)) for reach, s, p in axes)


# What must be refused.


def image(case: Case) -> np.ndarray:
    """The array that is pooled."""
    x = case.arrays["x"]
    assert x is not None
    return x


def too_small(rank: int) -> Callable[[Case], Case | None]:
    """An image in which there is no window."""

    def smaller(case: Case) -> Case | None:
        options = case.options
        kernel = spread(options["kernel_size"], rank)
        steps = kernel if options["stride"] is None else spread(options["stride"], rank)
        least = least_sides(kernel, steps, spread(options["padding"], rank), spread(options["dilation"], rank), options["ceil_mode"])
        return case.but(x=image(case)[..., : least[-1] - 1]) if least[-1] > 1 else None

    return smaller


def half_of_the_reach(case: Case, rank: int) -> tuple[int, ...]:
    """Half of a window with its spaces."""
    options = case.options
    return tuple(reach // 2 for reach in extent(spread(options["kernel_size"], rank), spread(options["dilation"], rank)))


def max_pool_rejects(rank: int) -> Mapping[str, Callable[[Case], Case | None]]:
    """Every documented constraint."""
    return {
        "kernel_size must be positive": lambda case: case.but(kernel_size=0, stride=1, padding=0),
        "stride must be positive": lambda case: case.but(stride=0),
        "stride must not be negative": lambda case: case.but(stride=-1),
        "dilation must be positive": lambda case: case.but(dilation=0),
        "dilation must not be negative": lambda case: case.but(dilation=-1),
        "padding must not be negative": lambda case: case.but(padding=-1),
        "padding must be at most half of the window": lambda case: case.but(padding=tuple(p + 1 for p in half_of_the_reach(case, rank))),
        "the window must fit into the padded image": too_small(rank),
        "x must have a batch axis at most": lambda case: case.but(x=image(case)[(None,) * (rank + 3 - image(case).ndim)]),
        "x must have channels": lambda case: case.but(x=image(case).reshape(-1, image(case).shape[-1])),
    }


# The laws.


def whole(case: Case) -> np.ndarray:
    """The case's image in small integers."""
    with np.errstate(invalid="ignore"):
        return np.rint(np.clip(np.nan_to_num(image(case).astype(float)), -9, 9)).astype(image(case).dtype)


def follows_increasing_maps(trial: Trial, case: Case) -> None:
    """max ∘ g = g ∘ max for increasing g."""
    x = whole(case)
    for name, g in (("2x", lambda v: v + v), ("|x|x", lambda v: abs(v) * v)):
        mapped, output = trial.run(case.but(x=g(x)))["output"], trial.run(case.but(x=x))["output"]
        assert_same(mapped, g(output), f"the maximum of {name} is not {name} of the maximum")


def index_points_to_the_output(rank: int) -> Callable[[Trial, Case], None]:
    """x at the index is the output, but for windows that lie wholly in the padding."""

    def check(trial: Trial, case: Case) -> None:
        x, results = image(case), trial.run(case)
        pools = pools_of(x.shape, rank, case.options)
        if "indices" not in results or results["output"].shape != pools.output or not pools.inside.any(axis=-1).all():
            return
        at = results["indices"].reshape(pools.flat[0], len(pools.places))
        if not ((at >= 0) & (at < pools.flat[1])).all():
            raise Disagreement("an index lies outside the plane", result="indices")
        taken = np.take_along_axis(x.reshape(pools.flat), at, axis=1).reshape(pools.output)
        assert_same(taken, results["output"], "x at the index is not the output")

    return check


def axes_are_alike(rank: int) -> Callable[[Trial, Case], None]:
    """Image and options with their axes reversed give the output with its axes reversed."""

    def turned(a: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(np.moveaxis(a, range(-rank, 0), range(-1, -rank - 1, -1)))

    def check(trial: Trial, case: Case) -> None:
        options = {name: value[::-1] for name, value in case.options.items() if isinstance(value, tuple)}
        other = case.but(x=turned(image(case)), **options)
        assert_same(trial.run(other)["output"], turned(trial.run(case)["output"]), "axes are not alike")

    return check


def goes_axis_by_axis(rank: int) -> Callable[[Trial, Case], None]:
    """The maximum over a window is the maximum over its rows of their maxima."""

    def check(trial: Trial, case: Case) -> None:
        options = {**case.options, "return_indices": False}
        options["stride"] = options["kernel_size"] if options["stride"] is None else options["stride"]
        still = {"kernel_size": 1, "stride": 1, "padding": 0, "dilation": 1}
        x = image(case)
        for axis in range(rank):
            along = {name: (one,) * axis + (spread(options[name], rank)[axis],) + (one,) * (rank - 1 - axis) for name, one in still.items()}
            x = trial.run(case.but(x=x, return_indices=False, **along))["output"]
        assert_same(trial.run(case)["output"], x, "it is not the maximum along one axis after the other")

    return check


def covers_by_steps(rank: int) -> Callable[[Trial, Case], None]:
    """Two windows of two cells, one after the other, are one of three."""

    def check(trial: Trial, case: Case) -> None:
        if min(image(case).shape[-rank:]) < 3:
            return
        plain = case.but(stride=1, padding=0, dilation=1, return_indices=False, ceil_mode=False)
        once = trial.run(plain.but(kernel_size=2))["output"]
        twice = trial.run(plain.but(x=once, kernel_size=2))["output"]
        assert_same(twice, trial.run(plain.but(kernel_size=3))["output"], "two windows of two are not one of three")

    return check


def max_pool_laws(rank: int) -> tuple[Law, ...]:
    """What holds for a maximum over windows."""
    return (
        Law("follows increasing maps", follows_increasing_maps),
        Law("the index points to the output", index_points_to_the_output(rank)),
        Law("axes are alike", axes_are_alike(rank)),
        Law("it goes axis by axis", goes_axis_by_axis(rank)),
        Law("two windows of two are one of three", covers_by_steps(rank)),
    )


MaxPool2d = Operation(
    name="torch.nn.MaxPool2d",
    call=max_pool2d,
    oracle=of_rank(max_pool, 2),
    gradient=of_rank(max_pool_gradient, 2),
    shape=max_pool_shape(2),
    cost=nothing,
    cases=max_pool_cases(2),
    rejects=max_pool_rejects(2),
    laws=max_pool_laws(2),
    result_dtypes={"indices": "int64"},
    follows_subject=True,
    dtypes=FLOATS,
)

OPERATIONS = (MaxPool2d,)
