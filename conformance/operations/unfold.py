"""Unfolding images into blocks and folding them back."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import FLOATS, Case, Cost, Law, Operation, Shape, torch
from conformance.operations.convolution import BATCH, FEW, LARGE, ROOM, SMALL, WIDE, array, whole
from conformance.operations.laws import assert_same
from conformance.strategies import Data, data_of, pair_of
from oracles.unfold import block_counts, fold, fold_gradient, unfold, unfold_gradient
from oracles.windows import extent, spread

# The calls.


def unfolded(x: Any, **options: Any) -> Any:
    """The module's forward."""
    return torch.nn.Unfold(**options)(x)


def folded(x: Any, **options: Any) -> Any:
    """The module's forward."""
    return torch.nn.Fold(**options)(x)


# The formulas.


def blocks_of(options: Mapping[str, Any], sides: Shape) -> tuple[int, int]:
    """How many cells a block of one channel has, and how many blocks there are."""
    counts = block_counts(sides, *(options[name] for name in ("kernel_size", "dilation", "padding", "stride")))
    return math.prod(spread(options["kernel_size"], 2)), math.prod(counts)


def unfold_shape(x: Shape, **options: Any) -> Mapping[str, Shape]:
    """(N, C·Πkernel_size, L)."""
    size, count = blocks_of(options, x[-2:])
    return {"output": (*x[:-3], x[-3] * size, count)}


def fold_shape(x: Shape, **options: Any) -> Mapping[str, Shape]:
    """(N, C, output_size)."""
    sides = spread(options["output_size"], 2)
    size, _ = blocks_of(options, sides)
    return {"output": (*x[:-2], x[-2] // size, *sides)}


def nothing(**arguments: Any) -> Cost:
    """Cells are moved and added; nothing is multiplied."""
    return Cost(0, 0)


# The cases.


@st.composite
def blocks(draw: st.DrawFn) -> tuple[dict[str, Any], list[int]]:
    """How blocks lie, and the sides of an image on which one fits at least."""
    options = {
        "kernel_size": draw(pair_of(SMALL)),
        "dilation": draw(pair_of(FEW)),
        "padding": draw(pair_of(st.integers(0, 3))),
        "stride": draw(pair_of(FEW)),
    }
    reach = extent(spread(options["kernel_size"], 2), spread(options["dilation"], 2))
    sides = [max(1, r - 2 * p) + draw(ROOM) for r, p in zip(reach, spread(options["padding"], 2), strict=True)]
    if draw(LARGE) == "sides":
        axis = draw(st.integers(0, 1))
        sides[axis] = max(sides[axis], draw(WIDE))
    return options, sides


@st.composite
def unfold_cases(draw: st.DrawFn, dtype: str) -> Case:
    data, (options, sides), n = draw(data_of(dtype)), draw(blocks()), draw(BATCH)
    batch = () if n is None else (n,)
    return data.case({"x": data.array("x", *batch, draw(FEW), *sides)}, **options)


@st.composite
def fold_cases(draw: st.DrawFn, dtype: str) -> Case:
    data, (options, sides), n = draw(data_of(dtype)), draw(blocks()), draw(BATCH)
    batch = () if n is None else (n,)
    size, count = blocks_of(options, tuple(sides))
    output_size = sides[0] if sides[0] == sides[1] and draw(st.booleans()) else tuple(sides)
    return data.case({"x": data.array("x", *batch, draw(FEW) * size, count)}, output_size=output_size, **options)


# What must be refused.


def sides_of(case: Case) -> Shape:
    """The sides of the image that a case unfolds, or folds to."""
    return spread(case.options["output_size"], 2) if "output_size" in case.options else array(case, "x").shape[-2:]


def too_large(case: Case) -> Case:
    """A block one cell larger than the padded image."""
    side, padding, dilation = (v[0] for v in (sides_of(case), spread(case.options["padding"], 2), spread(case.options["dilation"], 2)))
    least = -(-(side + 2 * padding) // dilation) + 1
    return case.but(kernel_size=(least, spread(case.options["kernel_size"], 2)[1]))


def longer(case: Case, axis: int) -> Case:
    """The case with one more entry along an axis of x."""
    x = array(case, "x")
    return case.but(x=np.concatenate([x, np.take(x, [0], axis)], axis))


REJECTS: Mapping[str, Callable[[Case], Case | None]] = {
    "kernel_size must be positive": lambda case: case.but(kernel_size=0),
    "kernel_size must not be negative": lambda case: case.but(kernel_size=-1),
    "dilation must be positive": lambda case: case.but(dilation=0),
    "dilation must not be negative": lambda case: case.but(dilation=-1),
    "stride must be positive": lambda case: case.but(stride=0),
    "stride must not be negative": lambda case: case.but(stride=-1),
    "padding must not be negative": lambda case: case.but(padding=-1),
    "options must have one number for every axis": lambda case: case.but(stride=(1, 1, 1)),
    "a block must fit into the padded image": too_large,
    "x must have a batch axis at most": lambda case: case.but(x=array(case, "x")[None, None]),
}
FOLD_REJECTS: Mapping[str, Callable[[Case], Case | None]] = {
    **REJECTS,
    "x must have whole blocks": lambda case: longer(case, -2) if math.prod(spread(case.options["kernel_size"], 2)) > 1 else None,
    "x must have as many blocks as there are places": lambda case: longer(case, -1),
    "output_size must be positive": lambda case: case.but(output_size=0),
}

# The laws.


def back(x: np.ndarray, case: Case, sides: Shape) -> Any:
    """torch's other module on the same blocks, from and to arrays."""
    kind = torch.nn.Unfold if "output_size" in case.options else torch.nn.Fold
    options = {name: value for name, value in case.options.items() if name != "output_size"}
    given = options if kind is torch.nn.Unfold else {"output_size": sides, **options}
    return kind(**given)(torch.from_numpy(np.ascontiguousarray(x))).numpy()


def folding_back_counts(trial: Trial, case: Case) -> None:
    """fold(unfold(x)) = divisor · x, where divisor = fold(unfold(1)) counts the blocks over a pixel."""
    case, sides = whole(case), sides_of(case)
    if "output_size" in case.options:  # of Fold: x is the blocks of an image
        image = Data(case.dtype, "integers", case.seed).array("image", *array(case, "x").shape[:-2], 1, *sides)
        one = np.ones_like(image)
        found, divisor = (trial.run(case.but(x=back(a, case, sides)))["output"] for a in (image, one))
    else:
        image = array(case, "x")
        one = np.ones_like(image)
        found, divisor = (back(trial.run(case.but(x=a))["output"], case, sides) for a in (image, one))
    assert_same(found, divisor * image, "fold(unfold(x)) is not divisor · x")


def is_linear(trial: Trial, case: Case) -> None:
    """f(a + b) = f(a) + f(b)."""
    case = whole(case)
    a = array(case, "x")
    b = Data(case.dtype, "integers", case.seed).array("another x", *a.shape)
    at_sum, at_a, at_b = (trial.run(case.but(x=x))["output"] for x in (a + b, a, b))
    assert_same(at_sum, at_a + at_b, "f(a + b) is not f(a) + f(b)")


LAWS = (Law("fold(unfold(x)) is divisor · x", folding_back_counts), Law("linear", is_linear))

Unfold = Operation(
    name="torch.nn.Unfold",
    call=unfolded,
    oracle=unfold,
    gradient=unfold_gradient,
    shape=unfold_shape,
    cost=nothing,
    cases=unfold_cases,
    rejects=REJECTS,
    laws=LAWS,
    dtypes=FLOATS,
)
Fold = Operation(
    name="torch.nn.Fold",
    call=folded,
    oracle=fold,
    gradient=fold_gradient,
    shape=fold_shape,
    cost=nothing,
    cases=fold_cases,
    rejects=FOLD_REJECTS,
    laws=LAWS,
    dtypes=FLOATS,
)

OPERATIONS = (Unfold, Fold)
