"""Transposed convolutions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial, set_aside
from conformance.model import FLOATS, Case, Cost, Law, Operation, Shape, torch
from conformance.operations.convolution import BATCH, FEW, GROUPS, LARGE, ROOM, WIDE, array, grown, is_linear, whole
from conformance.operations.laws import assert_same
from conformance.strategies import Data, data_of, pair_of
from oracles import costs
from oracles.convolution import convolution
from oracles.transposed_convolution import Spreading, transposed_convolution, transposed_convolution_gradient
from oracles.windows import extent, spread

# The call.


def layer(x: Any, weight: Any, bias: Any, **options: Any) -> Any:
    """The module that takes these arrays, without values of its own; output_size is its forward's."""
    rank, sides = weight.ndim - 2, tuple(weight.shape[2:])
    kernel_size = sides[0] if len(set(sides)) == 1 else sides
    kind = (torch.nn.ConvTranspose1d, torch.nn.ConvTranspose2d, torch.nn.ConvTranspose3d)[rank - 1]
    options = {name: value for name, value in options.items() if name != "output_size"}
    channels = weight.shape[1] * max(1, options["groups"])
    return kind(x.shape[-rank - 1], channels, kernel_size, bias=bias is not None, device="meta", **options)


def call(x: Any, weight: Any, bias: Any, **options: Any) -> Any:
    """The module's forward, with its parameters and output_size given."""
    parameters = {"weight": weight} if bias is None else {"weight": weight, "bias": bias}
    return torch.func.functional_call(layer(x, weight, bias, **options), parameters, (x, options["output_size"]))


# The formulas.


def shape(x: Shape, weight: Shape, bias: Shape | None, **options: Any) -> Mapping[str, Shape]:
    """(L − 1)·stride − 2·padding + dilation·(P − 1) + output_padding + 1 along every axis, or output_size."""
    return {"output": Spreading(x, weight, **options).output}


def cost(x: Shape, weight: Shape, bias: Shape | None, **options: Any) -> Cost:
    """Every pixel takes one product for every element of its filters, those whose cells are cut off included."""
    y, groups = Spreading(x, weight, **options).output, options["groups"]
    return costs.transposed_convolution(x, y, weight[0], weight[1] * groups, weight[2:], groups, bias is not None)


# The cases.


def cases(rank: int) -> Callable[[str], st.SearchStrategy[Case]]:
    """Strategies of cases by dtype; volumes are small."""
    room = ROOM if rank < 3 else st.integers(0, 2)
    few, paddings = pair_of(FEW, rank), pair_of(st.integers(0, 3), rank)
    kernels = st.tuples(*[st.integers(1, 4) if rank < 3 else FEW] * rank)
    sizes = st.sampled_from(("", "", "sides", "all"))  # how output_size is given, if it is

    @st.composite
    def drawn(draw: st.DrawFn, dtype: str) -> Case:
        data, large, size = draw(data_of(dtype)), draw(LARGE), draw(sizes)
        groups, kernel, stride, padding, dilation = draw(GROUPS), draw(kernels), draw(few), draw(paddings), draw(few)
        single = draw(st.sampled_from((*("",) * 12, "stride", "padding", "dilation")))  # one of them as a tuple of one
        if single and not size:
            once = {single: (draw(FEW),)}
            stride, padding, dilation = once.get("stride", stride), once.get("padding", padding), once.get("dilation", dilation)
        steps, apart = spread(stride, rank), spread(dilation, rank)
        below = steps if size else tuple(max(pair) for pair in zip(steps, apart, strict=True))
        more = tuple(draw(st.integers(0, most - 1)) for most in below)
        if not size and draw(st.booleans()):
            more = (min(more),) * rank
        short = [1 + 2 * p - reach - m for p, reach, m in zip(spread(padding, rank), extent(kernel, apart), more, strict=True)]
        sides = [max(1, 1 - -lack // s) + draw(room) for lack, s in zip(short, steps, strict=True)]
        if large == "sides":
            axis = draw(st.integers(0, rank - 1))
            sides[axis] = max(sides[axis], draw(WIDE))
        n = draw(WIDE) if large == "batch" else draw(BATCH)
        inner, outer = (draw(WIDE) if large == "channels" and draw(st.booleans()) else draw(FEW) for _ in range(2))
        batch = () if n is None else (n,)
        arrays = {
            "x": data.array("x", *batch, groups * inner, *sides),
            "weight": data.array("weight", groups * inner, outer, *kernel),
            "bias": data.array("bias", groups * outer) if draw(st.booleans()) else None,
        }
        placed = {"stride": stride, "padding": padding, "groups": groups, "dilation": dilation}
        full = Spreading(array_shape(arrays["x"]), array_shape(arrays["weight"]), output_padding=more, **placed).output
        given = more[0] if len(set(more)) == 1 and draw(st.booleans()) else more
        return data.case(
            arrays, **placed, output_padding=0 if size else given, output_size=full if size == "all" else full[-rank:] if size else None
        )

    return drawn


def array_shape(a: np.ndarray | None) -> Shape:
    """The shape of an array that is there."""
    assert a is not None
    return a.shape


# What must be refused.


def spreading(case: Case) -> Spreading:
    """Where the filters of a case lie."""
    return Spreading(array(case, "x").shape, array(case, "weight").shape, **case.options)


def padded_by(case: Case, more: Callable[[int, int], int]) -> Case | None:
    """The case with other output padding, unless it gives output_size."""
    lie = spreading(case)
    wanted = tuple(more(s, d) for s, d in zip(lie.stride, lie.dilation, strict=True))
    return case.but(output_padding=wanted) if case.options["output_size"] is None else None


def sized(case: Case, by: Callable[[int, int], int]) -> Case | None:
    """The case with another output_size, of the least one and the stride, if it gives any."""
    lie = spreading(case)
    wanted = tuple(by(least, s) for least, s in zip(lie.least, lie.stride, strict=True))
    return None if case.options["output_size"] is None else case.but(output_size=wanted)


def overpadded(case: Case, left: int) -> Case | None:
    """Padding that leaves less than nothing, or exactly nothing, of the output's last axis, unless the case gives output_size."""
    lie = spreading(case)
    more = 1 if left == 0 else lie.sides[-1] // 2 + 1
    if case.options["output_size"] is not None or (left == 0 and lie.sides[-1] != 2):
        return None
    return case.but(padding=(*lie.padding[:-1], lie.padding[-1] + more))


REJECTS: Mapping[str, Callable[[Case], Case | None]] = {
    "groups must be positive": lambda case: case.but(groups=0),
    "groups must divide in_channels": lambda case: (
        grown(grown(case, "x", 1 - array(case, "weight").ndim), "weight", 0) if case.options["groups"] > 1 else None
    ),
    "x must have in_channels channels": lambda case: grown(case, "x", 1 - array(case, "weight").ndim, case.options["groups"]),
    "x must have a batch axis at most": lambda case: case.but(
        x=array(case, "x")[(None,) * (array(case, "weight").ndim + 1 - array(case, "x").ndim)]
    ),
    "bias must have one element for every output channel": lambda case: None if case.arrays["bias"] is None else grown(case, "bias", 0),
    "stride must be positive": lambda case: case.but(stride=0),
    "stride must not be negative": lambda case: case.but(stride=-1),
    "dilation must be positive": lambda case: case.but(dilation=0),
    "dilation must not be negative": lambda case: case.but(dilation=-1),
    "padding must not be negative": lambda case: case.but(padding=-1) if case.options["output_size"] is None else None,
    "output_padding must not be negative": lambda case: padded_by(case, lambda stride, dilation: -1),
    "output_padding must be less than stride or dilation": lambda case: padded_by(case, max),
    "output_size must not be less than without output padding": lambda case: sized(case, lambda least, stride: least - 1),
    "output_size must be less than a stride more": lambda case: sized(case, lambda least, stride: least + stride),
    "output_size must have one side for every axis": lambda case: (
        None if case.options["output_size"] is None else case.but(output_size=(*case.options["output_size"], 1, 1, 1))
    ),
    "no side of the output may be negative": lambda case: overpadded(case, -1),
    "the output must not be empty": lambda case: overpadded(case, 0),
    "padding_mode must be zeros": lambda case: case.with_options(padding_mode="reflect"),
}

# The laws, on integers: every sum is exact.


def is_adjoint_to_convolution(trial: Trial, case: Case) -> None:
    """⟨conv(y), x⟩ = ⟨y, conv_transpose(x)⟩, with NumPy's sums over the windows of y on the left."""
    case = whole(case.but(bias=None))
    x, weight, y = array(case, "x"), array(case, "weight"), trial.run(case)["output"]
    other = Data(case.dtype, "integers", case.seed).array("y", *y.shape)
    options = {name: case.options[name] for name in ("stride", "padding", "groups", "dilation")}
    there = convolution(other, weight, **options)
    there = there[(..., *(slice(side) for side in x.shape[2 - weight.ndim :]))]  # output_padding may give room for another window
    here, wanted = np.sum(y * other, dtype=float), np.sum(there * x, dtype=float)
    assert_same(np.asarray(here), np.asarray(wanted), "it is not adjoint to convolution")


def output_size_is_output_padding(trial: Trial, case: Case) -> None:
    """A size asked for by output_size is the one that output_padding gives."""
    size = case.options["output_size"]
    if size is None:
        return
    lie = spreading(case)
    more = tuple(side - least for side, least in zip(lie.sides, lie.least, strict=True))
    by_padding = trial.run(case.but(output_size=None, output_padding=more))["output"]
    assert_same(trial.run(case)["output"], by_padding, "output_size is not output_padding")


def groups_are_layers_side_by_side(trial: Trial, case: Case) -> None:
    """groups > 1 is the concatenation of that many layers."""
    groups = case.options["groups"]
    if groups == 1:
        return
    case, axis = whole(case), 1 - array(case, "weight").ndim
    size = case.options["output_size"]
    case = case if size is None else case.but(output_size=size[axis + 1 :])
    parts = {name: [None] * groups if a is None else np.split(a, groups, axis if name == "x" else 0) for name, a in case.arrays.items()}
    layers = [case.but(groups=1, **{name: part[i] for name, part in parts.items()}) for i in range(groups)]
    together = np.concatenate([trial.run(one)["output"] for one in layers], axis)
    assert_same(trial.run(case)["output"], together, "groups are not layers side by side")


def spreads_single_pixels(trial: Trial, case: Case) -> None:
    """The output without padding is the filter for a pixel of one alone, dilated cells between its elements."""
    case = whole(case.but(bias=None, padding=0, output_padding=0, output_size=None, groups=1))
    weight = array(case, "weight")[:1]
    rank = weight.ndim - 2
    dilation = spread(case.options["dilation"], rank)
    y = trial.run(case.but(x=np.ones((1, 1, *(1,) * rank), weight.dtype), weight=weight))["output"]
    wanted: Any = np.zeros((*weight.shape[:2], *extent(weight.shape[2:], dilation)), weight.dtype)
    wanted[(..., *(slice(None, None, d) for d in dilation))] = weight
    assert_same(y, wanted, "a pixel does not give the filter")


def axes_turned(trial: Trial, case: Case) -> None:
    """Image, filter and options with their axes reversed give the output with its axes reversed."""
    case, rank = whole(case), array(case, "weight").ndim - 2
    size = case.options["output_size"]
    case = case if size is None else case.but(output_size=tuple(size)[-rank:])

    def turned(a: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(np.moveaxis(a, range(-rank, 0), range(-1, -rank - 1, -1)))

    options = {name: value[::-1] for name, value in case.options.items() if isinstance(value, tuple)}
    other = case.but(x=turned(array(case, "x")), weight=turned(array(case, "weight")), **options)
    assert_same(trial.run(other)["output"], turned(trial.run(case)["output"]), "axes are not alike")


def infers_what_it_computes(trial: Trial, case: Case) -> None:
    """Output padding that is refused when the output is computed is refused when its shape is inferred."""
    infer = getattr(trial.backend, "abstract", None)
    for constraint, break_it in REJECTS.items():
        broken = break_it(case) if infer and constraint.startswith("output_padding") else None
        if infer is None or broken is None or set_aside(broken):
            continue
        try:
            inferred = infer(trial.operation, broken)
        except trial.backend.refusals:
            continue
        raise Disagreement(f"{constraint}, but without data {broken!r} gave {dict(inferred)}", case=broken)


LAWS = (
    Law("linear in x", is_linear),
    Law("adjoint to convolution", is_adjoint_to_convolution),
    Law("output_size is output_padding", output_size_is_output_padding),
    Law("groups are layers side by side", groups_are_layers_side_by_side),
    Law("a pixel gives the filter", spreads_single_pixels),
    Law("axes are alike", axes_turned),
    Law("inferring refuses what computing refuses", infers_what_it_computes),
)


def operation(rank: int, share: float = 1.0) -> Operation:
    """The transposed convolution of signals, images or volumes."""
    return Operation(
        name=f"torch.nn.ConvTranspose{rank}d",
        call=call,
        oracle=transposed_convolution,
        gradient=transposed_convolution_gradient,
        shape=shape,
        cost=cost,
        module=layer,
        cases=cases(rank),
        rejects=REJECTS,
        laws=LAWS,
        dtypes=FLOATS,
        share=share,
    )


ConvTranspose1d, ConvTranspose2d, ConvTranspose3d = operation(1), operation(2), operation(3, share=0.5)

OPERATIONS = (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
