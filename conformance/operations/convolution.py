"""Convolutions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import FLOATS, Case, Cost, Law, Operation, Shape, torch
from conformance.operations.laws import assert_same
from conformance.strategies import Data, data_of, pair_of
from oracles import costs
from oracles.convolution import Geometry, convolution, convolution_gradient, margins
from oracles.windows import extent, spread

# The call.


def layer(x: Any, weight: Any, bias: Any, **options: Any) -> Any:
    """The module that takes these arrays, without values of its own."""
    rank, sides = weight.ndim - 2, tuple(weight.shape[2:])
    kernel_size = sides[0] if len(set(sides)) == 1 else sides
    kind = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d)[rank - 1]
    return kind(x.shape[-rank - 1], len(weight), kernel_size, bias=bias is not None, device="meta", **options)


def call(x: Any, weight: Any, bias: Any, **options: Any) -> Any:
    """The module's forward, with its parameters given."""
    parameters = {"weight": weight} if bias is None else {"weight": weight, "bias": bias}
    return torch.func.functional_call(layer(x, weight, bias, **options), parameters, (x,))


# The formulas.


def shape(x: Shape, weight: Shape, bias: Shape | None, **options: Any) -> Mapping[str, Shape]:
    """⌊(L + 2·padding − dilation·(P − 1) − 1) / stride⌋ + 1 along every axis."""
    return {"output": Geometry(x, weight, **options).output}


def cost(x: Shape, weight: Shape, bias: Shape | None, **options: Any) -> Cost:
    """Every output element takes one product for every element of its filter."""
    y, groups = Geometry(x, weight, **options).output, options["groups"]
    return costs.convolution(x, y, weight[1] * groups, weight[0], weight[2:], groups, bias is not None)


# The cases.

FEW, SMALL, ROOM = st.integers(1, 3), st.integers(1, 4), st.integers(0, 5)
BATCH = st.sampled_from((1, 2, 3, 0, None))  # None: no batch axis
GROUPS = st.sampled_from((1, 1, 2, 3))
MODES = st.sampled_from(("zeros", "zeros", "zeros", "reflect", "replicate", "circular"))
LARGE = st.sampled_from(("", "", "", "sides", "channels", "batch"))
WIDE = st.sampled_from((7, 8, 9, 15, 16, 17, 31, 32, 33))


def once_or_for_every_axis(values: st.SearchStrategy[int], rank: int) -> st.SearchStrategy[Any]:
    """An integer, a tuple of one, a tuple of `rank`."""
    return st.one_of(pair_of(values, rank), st.tuples(values))


def cases(rank: int) -> Callable[[str], st.SearchStrategy[Case]]:
    """Strategies of cases by dtype; volumes are small."""
    small, room = (SMALL, ROOM) if rank < 3 else (FEW, st.integers(0, 2))
    strides, dilations = pair_of(FEW, rank), pair_of(FEW, rank)
    paddings = st.one_of(pair_of(st.integers(0, 3), rank), st.sampled_from(("same", "valid")))
    one = {"stride": st.tuples(FEW), "padding": st.tuples(st.integers(0, 3)), "dilation": st.tuples(FEW)}
    kernels = st.tuples(*[small] * rank)

    @st.composite
    def drawn(draw: st.DrawFn, dtype: str) -> Case:
        data, large = draw(data_of(dtype)), draw(LARGE)
        groups, mode, kernel = draw(GROUPS), draw(MODES), draw(kernels)
        options = {"stride": draw(strides), "padding": draw(paddings), "dilation": draw(dilations)}
        if mode == "zeros" and options["padding"] != "same" and draw(ROOM) == 0:
            name = draw(st.sampled_from(tuple(one)))
            options[name] = draw(one[name])
        if options["padding"] == "same":
            options["stride"] = 1
        n = draw(WIDE) if large == "batch" else draw(BATCH)
        inner, outer = (draw(WIDE) if large == "channels" and draw(st.booleans()) else draw(FEW) for _ in range(2))
        least = least_sides(kernel, options["padding"], spread(options["dilation"], rank), mode)
        sides = [side + draw(room) for side in least]
        if large == "sides":
            axis = draw(st.integers(0, rank - 1))
            sides[axis] = max(least[axis], draw(WIDE))
        batch = () if n is None else (n,)
        arrays = {
            "x": data.array("x", *batch, groups * inner, *sides),
            "weight": data.array("weight", groups * outer, inner, *kernel),
            "bias": data.array("bias", groups * outer) if draw(st.booleans()) else None,
        }
        return data.case(arrays, **options, groups=groups, padding_mode=mode)

    return drawn


def least_sides(kernel: Shape, padding: Any, dilation: Shape, mode: str) -> Shape:
    """The smallest image on which a filter fits, and which can be padded so."""
    around = margins(padding, kernel, dilation)
    fits = (reach - sum(margin) for reach, margin in zip(extent(kernel, dilation), around, strict=True))
    padded = (max(margin) + 1 if mode == "reflect" else max(margin) if mode == "circular" else 1 for margin in around)
    return tuple(max(1, a, b) for a, b in zip(fits, padded, strict=True))


# What must be refused.


def geometry(case: Case) -> Geometry:
    """Where the filters of a case lie."""
    return Geometry(array(case, "x").shape, array(case, "weight").shape, **case.options)


def array(case: Case, name: str) -> np.ndarray:
    """An array that every case has."""
    found = case.arrays[name]
    assert found is not None
    return found


def grown(case: Case, name: str, axis: int, by: int = 1) -> Case:
    """The case with one array longer along an axis."""
    old = case.arrays[name]
    assert old is not None
    return case.but(**{name: np.concatenate([old, np.repeat(np.take(old, [0], axis), by, axis)], axis)})


def numbers(case: Case, **options: Any) -> Case | None:
    """The case with other options, unless it pads by name."""
    return None if isinstance(case.options["padding"], str) else case.but(**options)


def too_large(case: Case) -> Case | None:
    """A filter one cell larger than the padded image."""
    lie = geometry(case)
    if case.options["padding"] == "same":
        return None
    return grown(case, "weight", 2, (lie.padded[0] - 1) // lie.dilation[0] + 1 - lie.kernel[0] + 1)


def padded_too_much(case: Case) -> Case | None:
    """More padding than the mode can take from the image."""
    mode, side = case.options["padding_mode"], array(case, "x").shape[-1]
    if isinstance(case.options["padding"], str) or mode not in ("reflect", "circular"):
        return None
    return case.but(padding=(*spread(case.options["padding"], geometry(case).rank)[:-1], side + (mode == "circular")))


REJECTS: Mapping[str, Callable[[Case], Case | None]] = {
    "groups must be positive": lambda case: case.but(groups=0),
    "groups must not be negative": lambda case: case.but(groups=-case.options["groups"]),
    "groups must divide in_channels": lambda case: case.but(groups=array(case, "x").shape[1 - array(case, "weight").ndim] + 1),
    "groups must divide out_channels": lambda case: grown(case, "weight", 0).but(bias=None) if case.options["groups"] > 1 else None,
    "x must have in_channels channels": lambda case: grown(case, "x", 1 - array(case, "weight").ndim, case.options["groups"]),
    "x must have a batch axis at most": lambda case: case.but(
        x=array(case, "x")[(None,) * (geometry(case).rank + 3 - array(case, "x").ndim)]
    ),
    "bias must have one element for every output channel": lambda case: None if case.arrays["bias"] is None else grown(case, "bias", 0),
    "stride must be positive": lambda case: numbers(case, stride=0),
    "stride must not be negative": lambda case: numbers(case, stride=-1),
    "dilation must be positive": lambda case: case.but(dilation=0),
    "dilation must not be negative": lambda case: case.but(dilation=-1),
    "padding must not be negative": lambda case: numbers(case, padding=-1) if case.options["padding_mode"] == "zeros" else None,
    "padding must be a number, same or valid": lambda case: case.but(padding="full"),
    "padding='same' must have stride 1": lambda case: case.but(stride=2) if case.options["padding"] == "same" else None,
    "padding_mode must be one of the four": lambda case: case.but(padding_mode="symmetric"),
    "padding must be less than a reflected side, at most a circular one": padded_too_much,
    "the filter must fit into the padded image": too_large,
}

# The laws, on integers: every sum is exact.


def whole(case: Case) -> Case:
    """The same case on integers, float32 at least: whatever the order, nothing is rounded."""
    data = Data("float64" if case.dtype == "float64" else "float32", "integers", case.seed)
    arrays = {name: None if a is None else data.array(name, *a.shape) for name, a in case.arrays.items()}
    return replace(case, arrays=arrays, dtype=data.dtype, regime="integers")


def is_linear(trial: Trial, case: Case) -> None:
    """f(a + b) + f(0) = f(a) + f(b)."""
    case = whole(case)
    a = array(case, "x")
    b = Data(case.dtype, "integers", case.seed).array("another x", *a.shape)
    at_sum, at_zero, at_a, at_b = (trial.run(case.but(x=x))["output"] for x in (a + b, 0 * a, a, b))
    assert_same(at_sum + at_zero, at_a + at_b, "f(a + b) + f(0) is not f(a) + f(b)")


def moves_with_x(trial: Trial, case: Case) -> None:
    """Without padding, an image moved by the stride gives an output moved by one."""
    lie = geometry(case)
    case = whole(case.but(padding=0, padding_mode="zeros"))
    sides = [reach + 2 * step for reach, step in zip(extent(lie.kernel, lie.dilation), lie.stride, strict=True)]
    x = Data(case.dtype, "integers", case.seed).array("x", *array(case, "x").shape[: -lie.rank], *sides)
    y = trial.run(case.but(x=x))["output"]
    for axis in range(-lie.rank, 0):
        moved = trial.run(case.but(x=np.take(x, range(lie.stride[axis], sides[axis]), axis)))["output"]
        assert_same(moved, np.take(y, range(1, y.shape[axis]), axis), f"x moved by the stride along axis {axis}")


def groups_are_layers_side_by_side(trial: Trial, case: Case) -> None:
    """groups > 1 is the concatenation of that many convolutions."""
    groups = case.options["groups"]
    if groups == 1:
        return
    case, axis = whole(case), 1 - array(case, "weight").ndim
    parts = {name: [None] * groups if a is None else np.split(a, groups, axis if name == "x" else 0) for name, a in case.arrays.items()}
    layers = [case.but(groups=1, **{name: part[i] for name, part in parts.items()}) for i in range(groups)]
    together = np.concatenate([trial.run(layer)["output"] for layer in layers], axis)
    assert_same(trial.run(case)["output"], together, "groups are not layers side by side")


def is_a_matrix_product(trial: Trial, case: Case) -> None:
    """A filter of one cell multiplies the channels of every pixel by a matrix."""
    case = whole(case.but(stride=1, padding=0, groups=1, bias=None))
    x, weight = array(case, "x"), array(case, "weight")
    rank = weight.ndim - 2
    matrix = np.concatenate([weight[(..., *(slice(1),) * rank)]] * case.options["groups"], 1)
    matrix = np.resize(matrix, (len(weight), x.shape[-rank - 1], *(1,) * rank)).astype(x.dtype)
    wanted = np.moveaxis(np.tensordot(matrix[(..., *(0,) * rank)], x, (1, x.ndim - rank - 1)), 0, -rank - 1)
    assert_same(trial.run(case.but(weight=matrix))["output"], wanted, "a filter of one cell is not a matrix product")


def axes_are_alike(trial: Trial, case: Case) -> None:
    """Image, filter and options with their axes reversed give the output with its axes reversed."""
    case, lie = whole(case), geometry(case)

    def turned(a: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(np.moveaxis(a, range(-lie.rank, 0), range(-1, -lie.rank - 1, -1)))

    options = {name: value[::-1] for name, value in case.options.items() if isinstance(value, tuple)}
    other = case.but(x=turned(array(case, "x")), weight=turned(array(case, "weight")), **options)
    assert_same(trial.run(other)["output"], turned(trial.run(case)["output"]), "axes are not alike")


LAWS = (
    Law("linear in x", is_linear),
    Law("moves with x", moves_with_x),
    Law("groups are layers side by side", groups_are_layers_side_by_side),
    Law("a filter of one cell is a matrix product", is_a_matrix_product),
    Law("axes are alike", axes_are_alike),
)


def operation(rank: int, share: float = 1.0) -> Operation:
    """The convolution of signals, images or volumes."""
    return Operation(
        name=f"torch.nn.Conv{rank}d",
        call=call,
        oracle=convolution,
        gradient=convolution_gradient,
        shape=shape,
        cost=cost,
        module=layer,
        cases=cases(rank),
        rejects=REJECTS,
        laws=LAWS,
        dtypes=FLOATS,
        share=share,
    )


Conv1d, Conv2d, Conv3d = operation(1), operation(2), operation(3, share=0.5)

OPERATIONS = (Conv1d, Conv2d, Conv3d)
