"""Resampling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial
from conformance.model import FLOATS, Case, Cost, Law, Operation, Shape, torch
from conformance.operations.laws import assert_same, keeps
from conformance.strategies import FLOAT_REGIMES, Data, data_of, is_float
from oracles.sampling_grid import sides_after
from oracles.upsampling import interpolate, interpolate_gradient, with_options

# The calls.


def call(x: Any, **options: Any) -> Any:
    """The function."""
    return torch.nn.functional.interpolate(x, **options)


def upsample(x: Any, **options: Any) -> Any:
    """The module's forward."""
    return torch.nn.Upsample(**options)(x)


def upsampling_nearest2d(x: Any, **options: Any) -> Any:
    """The module's forward."""
    return torch.nn.UpsamplingNearest2d(**options)(x)


def upsampling_bilinear2d(x: Any, **options: Any) -> Any:
    """The module's forward."""
    return torch.nn.UpsamplingBilinear2d(**options)(x)


upsampled_nearest = with_options(interpolate, mode="nearest")
upsampled_nearest_gradient = with_options(interpolate_gradient, mode="nearest")
upsampled_bilinear = with_options(interpolate, mode="bilinear", align_corners=True)
upsampled_bilinear_gradient = with_options(interpolate_gradient, mode="bilinear", align_corners=True)

# The formulas.


def shape(x: Shape, *, size: Any, scale_factor: Any, **_: Any) -> Mapping[str, Shape]:
    """The size, or ⌊side · scale_factor⌋."""
    return {"output": (*x[:2], *sides_after(x[2:], size, scale_factor))}


def nothing(**_: Any) -> Cost:
    """Resampling has no parameters, and no products that are counted."""
    return Cost(0, 0)


# The cases.

RANKS = {
    "linear": (1,),
    "bilinear": (2,),
    "bicubic": (2,),
    "trilinear": (3,),
    "nearest": (1, 2, 3),
    "nearest-exact": (1, 2, 3),
    "area": (1, 2, 3),
}
SMALL = st.integers(1, 6)
WIDE = st.sampled_from((7, 8, 9, 15, 16, 17, 31, 32, 33))
FACTORS = st.sampled_from((2, 2.0, 0.5, 1.5, 3, 1.0, 0.3, 1.3, 1.1, 2.2, 0.7, 1 / 3, 2.5, 0.9, 1.01, 120 / 88))
SHORT = st.sampled_from(((11, 15), (13, 15), (22, 15), (23, 13)))  # n, m with ⌊n · (m / n)⌋ = m − 1 in double precision
REGIMES = (*FLOAT_REGIMES, "special", "special")
BATCH = st.sampled_from((1, 2, 0, 1))
CHANNELS = st.sampled_from((1, 2, 3, 1, 4, 9, 17))


def factor_for(side: int, factor: float) -> float:
    """The factor, or one that leaves a cell."""
    return factor if int(side * factor) >= 1 else 1 / side + 1 / 2


@st.composite
def geometries(draw: st.DrawFn, rank: int) -> tuple[tuple[int, ...], dict[str, Any]]:
    """Sides, and the size or the scale factor, each as a number or a tuple, growing or shrinking."""
    small = SMALL if rank < 3 else st.integers(1, 4)
    sides, target = [draw(small) for _ in range(rank)], [draw(small) for _ in range(rank)]
    wide = draw(st.sampled_from(("", "", "sides", "target", "short") if rank < 3 else ("",)))
    if wide == "short":
        axis = draw(st.integers(0, rank - 1))
        sides[axis], target[axis] = draw(SHORT)
    elif wide:
        (sides if wide == "sides" else target)[draw(st.integers(0, rank - 1))] = draw(WIDE)
    if draw(st.booleans()):
        size = target[0] if draw(st.booleans()) else tuple(target)
        return tuple(sides), {"size": size, "scale_factor": None}
    if draw(st.booleans()):
        return tuple(sides), {"size": None, "scale_factor": factor_for(min(sides), draw(FACTORS))}
    factors = tuple(factor_for(side, draw(st.one_of(FACTORS, st.just(m / side)))) for side, m in zip(sides, target, strict=True))
    return tuple(sides), {"size": None, "scale_factor": factors}


def cases(*modes: str, written: bool = True, antialias: bool = False) -> Callable[[str], st.SearchStrategy[Case]]:
    """Strategies of cases by dtype."""

    @st.composite
    def drawn(draw: st.DrawFn, dtype: str) -> Case:
        data, mode = draw(data_of(dtype, REGIMES if is_float(dtype) else None)), draw(st.sampled_from(modes))
        sides, options = draw(geometries(draw(st.sampled_from(RANKS[mode])) if written else 2))
        x = data.array("x", draw(BATCH), draw(CHANNELS), *sides)
        if not written:
            return data.case({"x": x}, **options)
        corners = (None,) if mode in ("nearest", "nearest-exact", "area") else (None, False) if antialias else (None, False, True)
        options |= {"mode": mode, "align_corners": draw(st.sampled_from(corners))}
        again = (None, False) if options["scale_factor"] is None else (None, False, True)
        options["recompute_scale_factor"] = draw(st.sampled_from(again))
        return data.case({"x": x}, **options, **({"antialias": True} if antialias else {}))

    return drawn


# What must be refused.


def image(case: Case) -> np.ndarray:
    """The array that is resampled."""
    x = case.arrays["x"]
    assert x is not None
    return x


def sized(case: Case, value: Any) -> Case | None:
    """The case with another size, if it has one."""
    return None if case.options["size"] is None else case.but(size=value)


def scaled(case: Case, value: Any) -> Case | None:
    """The case with another scale factor, if it has one."""
    return None if case.options["scale_factor"] is None else case.but(scale_factor=value)


ONE_AXIS_MORE = (2,) * 4

FUNCTION_REJECTS: Mapping[str, Callable[[Case], Case | None]] = {
    "only one of size and scale_factor may be given": lambda case: case.but(size=4, scale_factor=2.0),
    "one of size and scale_factor must be given": lambda case: case.but(size=None, scale_factor=None, recompute_scale_factor=None),
    "size must have a number for every axis": lambda case: sized(case, ONE_AXIS_MORE),
    "scale_factor must have a number for every axis": lambda case: scaled(case, ONE_AXIS_MORE),
    "size must not be negative": lambda case: sized(case, -1),
    "scale_factor must not be negative": lambda case: scaled(case, -1.0),
    "x must have as many axes as the mode": lambda case: case.but(x=image(case)[None, ..., None]) if image(case).ndim > 3 else None,
}
REJECTS: Mapping[str, Callable[[Case], Case | None]] = {
    **FUNCTION_REJECTS,
    "mode must be one of those documented": lambda case: case.but(mode="cubic"),
    "align_corners must go with an interpolating mode": lambda case: (
        case.but(align_corners=True) if case.options["mode"] in ("nearest", "nearest-exact", "area") else None
    ),
    "recompute_scale_factor must not go with size": lambda case: (
        None if case.options["size"] is None else case.but(recompute_scale_factor=True)
    ),
}
UNLESS_EMPTY: Mapping[str, Callable[[Case], Case | None]] = {
    "size must be positive": lambda case: sized(case, 0),
    "scale_factor must leave a cell": lambda case: scaled(case, 0.5 / max(image(case).shape[2:])),
}
ANTIALIAS_REJECTS: Mapping[str, Callable[[Case], Case | None]] = {
    "antialias must go with bilinear or bicubic": lambda case: case.with_options(mode="nearest", antialias=True),
    "antialias must go with images": lambda case: case.but(x=image(case)[..., 0], mode="linear", size=2, scale_factor=None).with_options(
        antialias=True
    ),
}

# The laws.


def assert_near(trial: Trial, case: Case, actual: np.ndarray, wanted: np.ndarray, otherwise: str) -> None:
    """Raise Disagreement unless two results differ by no more than both may err; say nothing where one of several cells may be taken."""
    accepted = trial.expected(case)["output"]
    if not hasattr(accepted, "error"):
        if len(accepted.choices) == 1:
            assert_same(actual, wanted, otherwise)
        return
    low, high = accepted.limits()
    reach = 2 * np.max(np.nan_to_num(high.astype(float) - low.astype(float), nan=np.inf), initial=0.0)
    if not (np.abs(actual.astype(float) - wanted.astype(float)) <= reach).all():
        raise Disagreement(otherwise)


def generic(case: Case) -> Case:
    """The same case on real numbers, so that the bound allows for every rounding."""
    return case.but(x=Data(case.dtype, "normal", case.seed).array("x", *image(case).shape))


def same_size_copies(trial: Trial, case: Case) -> None:
    """The size that an image has returns the image, of finite numbers (weights of 0 may meet the others)."""
    case = generic(case) if case.regime == "special" else case
    same = case.but(size=image(case).shape[2:], scale_factor=None, **unrecomputed(case))
    assert_same(trial.run(same)["output"], image(case), "the same size is not a copy")


def unrecomputed(case: Case) -> dict[str, Any]:
    """recompute_scale_factor=None, where it is an option."""
    return {"recompute_scale_factor": None} if "recompute_scale_factor" in case.options else {}


def axes_are_alike(trial: Trial, case: Case) -> None:
    """Image and options with their axes reversed give the output with its axes reversed."""
    rank = image(case).ndim - 2

    def turned(a: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(np.moveaxis(a, range(-rank, 0), range(-1, -rank - 1, -1)))

    case = generic(case)
    options = {name: value[::-1] for name, value in case.options.items() if isinstance(value, tuple)}
    y = turned(trial.run(case.but(x=turned(image(case)), **options))["output"])
    assert_near(trial, case, y, trial.run(case)["output"], "axes are not alike")


def mirrors(trial: Trial, case: Case) -> None:
    """The mirrored image, resampled to a size, is the mirrored result; a single cell may lie in the corner."""
    if 1 in trial.run(case)["output"].shape[2:]:
        return
    case = generic(case).but(size=trial.run(case)["output"].shape[2:], scale_factor=None, **unrecomputed(case))
    y, mirrored = trial.run(case)["output"], trial.run(case.but(x=np.ascontiguousarray(image(case)[..., ::-1])))["output"]
    assert_near(trial, case, mirrored[..., ::-1], y, "the mirrored image does not give the mirrored result")


def doubling_repeats(trial: Trial, case: Case) -> None:
    """Twice the size is every cell twice."""
    x = image(case)
    y = trial.run(case.but(size=None, scale_factor=2.0))["output"]
    for axis in range(2, x.ndim):
        x = np.repeat(x, 2, axis)
    assert_same(y, x, "twice the size is not every cell twice")


SAME = Law("the same size copies", same_size_copies)
ALIKE = Law("axes are alike", axes_are_alike)
MIRRORS = Law("mirrors", mirrors)
REPEATS = Law("twice the size repeats", doubling_repeats)
KEEPS = keeps("x")


def variant(name: str, *modes: str, laws: tuple[Law, ...], dtypes: tuple[str, ...] = FLOATS, **how: Any) -> Operation:
    """torch.nn.functional.interpolate in some of its modes."""
    extra = {} if name == "area" else UNLESS_EMPTY
    return Operation(
        name="torch.nn.functional.interpolate",
        variant=name,
        call=call,
        oracle=interpolate,
        gradient=interpolate_gradient,
        shape=shape,
        cost=nothing,
        cases=cases(*modes, **how),
        rejects={**({**ANTIALIAS_REJECTS, **FUNCTION_REJECTS} if name == "antialias" else REJECTS), **extra},
        laws=laws,
        dtypes=dtypes,
    )


def module(name: str, build: Callable[..., Any], oracle: Any, gradient: Any, laws: tuple[Law, ...], *modes: str) -> Operation:
    """A module of torch.nn that resamples."""
    return Operation(
        name=f"torch.nn.{name}",
        call=build,
        oracle=oracle,
        gradient=gradient,
        shape=shape,
        cost=nothing,
        cases=cases(*modes, written=name == "Upsample"),
        laws=laws,
        dtypes=FLOATS,
        share=0.6,
    )


OPERATIONS = (
    variant("nearest", "nearest", "nearest-exact", laws=(SAME, ALIKE, REPEATS)),
    variant("linear", "linear", "bilinear", "trilinear", laws=(SAME, ALIKE, MIRRORS, KEEPS)),
    variant("bicubic", "bicubic", laws=(SAME, ALIKE, MIRRORS, KEEPS)),
    variant("area", "area", laws=(SAME, ALIKE, MIRRORS, KEEPS)),
    variant("antialias", "bilinear", "bicubic", laws=(SAME, ALIKE, MIRRORS, KEEPS), dtypes=("float64", "float32"), antialias=True),
    module("Upsample", upsample, interpolate, interpolate_gradient, (SAME, ALIKE, KEEPS), *RANKS),
    module("UpsamplingNearest2d", upsampling_nearest2d, upsampled_nearest, upsampled_nearest_gradient, (SAME, ALIKE, REPEATS), "nearest"),
    module(
        "UpsamplingBilinear2d",
        upsampling_bilinear2d,
        upsampled_bilinear,
        upsampled_bilinear_gradient,
        (SAME, ALIKE, MIRRORS, KEEPS),
        "bilinear",
    ),
)
