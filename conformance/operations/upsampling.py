"""Resampling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from conformance.model import FLOATS, Case, Cost, Law, Operation, Shape, torch
from conformance.operations.upsampling_laws import ALIKE, KEEPS, MIRRORS, REPEATS, SAME, image
from conformance.strategies import FLOAT_REGIMES, data_of, is_float
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
    "lanczos": (2,),
}
OF_THE_MODULE = tuple(mode for mode in RANKS if mode != "lanczos")  # which needs antialias
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

LANCZOS_REJECTS: Mapping[str, Callable[[Case], Case | None]] = {
    "lanczos must go with antialias": lambda case: case.but(antialias=False),
    "align_corners must not go with lanczos": lambda case: case.but(align_corners=True),
    "lanczos must go with images": lambda case: case.but(x=image(case)[..., 0], size=2, scale_factor=None, recompute_scale_factor=None),
}
FURTHER_REJECTS = {"antialias": {**ANTIALIAS_REJECTS, **FUNCTION_REJECTS}, "lanczos": {**LANCZOS_REJECTS, **FUNCTION_REJECTS}}

# The operations.


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
        rejects={**FURTHER_REJECTS.get(name, REJECTS), **extra},
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
    variant("lanczos", "lanczos", laws=(ALIKE, MIRRORS, KEEPS), dtypes=("float64", "float32"), antialias=True),
    module("Upsample", upsample, interpolate, interpolate_gradient, (SAME, ALIKE, KEEPS), *OF_THE_MODULE),
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
