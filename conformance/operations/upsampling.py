"""Resampling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import FLOATS, Case, Cost, Law, Operation, Shape, torch
from conformance.operations.laws import assert_same
from conformance.strategies import FINITE_REGIMES, FLOAT_REGIMES, data_of
from oracles.sampling_grid import sides_after
from oracles.upsampling import interpolate, interpolate_gradient

# The calls.


def call(x: Any, **options: Any) -> Any:
    """The function."""
    return torch.nn.functional.interpolate(x, **options)


def upsample(x: Any, **options: Any) -> Any:
    """The module's forward."""
    return torch.nn.Upsample(**options)(x)


# The formulas.


def shape(x: Shape, *, size: Any, scale_factor: Any, **_: Any) -> Mapping[str, Shape]:
    """The size, or ⌊side · scale_factor⌋."""
    return {"output": (*x[:2], *sides_after(x[2:], size, scale_factor))}


def nothing(**_: Any) -> Cost:
    """Resampling has no parameters, and no products that are counted."""
    return Cost(0, 0)


# The cases.

RANKS = {"linear": (1,), "bilinear": (2,), "bicubic": (2,), "trilinear": (3,), "nearest": (1, 2, 3), "nearest-exact": (1, 2, 3), "area": (1, 2, 3)}
SMALL = st.integers(1, 6)
WIDE = st.sampled_from((7, 8, 9, 15, 16, 17, 31, 32, 33))
FACTORS = st.sampled_from((2, 2.0, 0.5, 1.5, 3, 1.0, 0.3, 1.3, 1.1, 2.2, 0.7, 1 / 3, 2.5, 0.9, 1.01, 120 / 88))
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
    wide = draw(st.sampled_from(("", "", "sides", "target") if rank < 3 else ("",)))
    if wide:
        (sides if wide == "sides" else target)[draw(st.integers(0, rank - 1))] = draw(WIDE)
    if draw(st.booleans()):
        size = target[0] if draw(st.booleans()) else tuple(target)
        return tuple(sides), {"size": size, "scale_factor": None}
    if draw(st.booleans()):
        return tuple(sides), {"size": None, "scale_factor": factor_for(min(sides), draw(FACTORS))}
    factors = tuple(factor_for(side, draw(st.one_of(FACTORS, st.just(m / side)))) for side, m in zip(sides, target, strict=True))
    return tuple(sides), {"size": None, "scale_factor": factors}


def cases(*modes: str, recompute: bool = True, antialias: bool = False) -> Callable[[str], st.SearchStrategy[Case]]:
    """Strategies of cases by dtype."""
    regimes = FLOAT_REGIMES if modes[0].startswith("nearest") else FINITE_REGIMES

    @st.composite
    def drawn(draw: st.DrawFn, dtype: str) -> Case:
        data, mode = draw(data_of(dtype, regimes)), draw(st.sampled_from(modes))
        sides, options = draw(geometries(draw(st.sampled_from(RANKS[mode]))))
        x = data.array("x", draw(BATCH), draw(CHANNELS), *sides)
        options["mode"] = mode
        if not antialias:
            plain = mode in ("nearest", "nearest-exact", "area")
            options["align_corners"] = None if plain else draw(st.sampled_from((None, False, True)))
        elif draw(st.booleans()):
            options["align_corners"] = False
        if recompute:
            given = options["scale_factor"] is not None
            options["recompute_scale_factor"] = draw(st.sampled_from((None, False, True) if given else (None, False)))
        return data.case({"x": x}, **options, **({"antialias": True} if antialias else {}))

    return drawn


def variant(name: str, *modes: str, **how: Any) -> Operation:
    """torch.nn.functional.interpolate in some of its modes."""
    return Operation(
        name="torch.nn.functional.interpolate",
        variant=name,
        call=call,
        oracle=interpolate,
        gradient=interpolate_gradient,
        shape=shape,
        cost=nothing,
        cases=cases(*modes, **how),
        dtypes=FLOATS,
    )


OPERATIONS = (
    variant("nearest", "nearest", "nearest-exact"),
    variant("linear", "linear", "bilinear", "trilinear"),
    variant("bicubic", "bicubic"),
    variant("area", "area"),
    variant("antialias", "bilinear", "bicubic", antialias=True),
)
