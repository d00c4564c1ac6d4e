"""Single layers that Hypothesis draws, each with its inputs and with what the formulas say of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from torch import nn

from oracles import costs, shapes
from oracles.costs import Work

Shape = tuple[int, ...]
FEW, SMALL, ROOM = st.integers(1, 3), st.integers(1, 4), st.integers(0, 5)


@dataclass(frozen=True)
class Drawn:
    """A layer, the shapes of its inputs, and the formulas' shape and work; `integers` where the inputs are indices."""

    make: Callable[[], nn.Module]
    inputs: tuple[Shape, ...]
    output: Shape
    work: Work | None = None
    integers: bool = False
    groups: int = 1

    def __repr__(self) -> str:
        return f"{self.make()} on {self.inputs}"


def options(draw: st.DrawFn, values: st.SearchStrategy[int], rank: int) -> Any:
    """One value, or one for every axis."""
    return draw(st.one_of(values, st.tuples(*[values] * rank)))


def each(option: Any, rank: int) -> Shape:
    """The option along every axis."""
    return option if isinstance(option, tuple) else (option,) * rank


@st.composite
def convolutions(draw: st.DrawFn) -> Drawn:
    rank, groups, bias = draw(FEW), draw(FEW), draw(st.booleans())
    i, o, n = groups * draw(FEW), groups * draw(FEW), draw(st.sampled_from((1, 2, 3, 0)))
    k, s, d = (options(draw, values, rank) for values in (SMALL, FEW, FEW))
    p = options(draw, st.integers(0, 3), rank)
    if draw(st.integers(0, 5)) == 0:
        p, s = draw(st.sampled_from(("same", "valid"))), 1
    sides = [dd * (kk - 1) + 1 + draw(ROOM) for kk, dd in zip(each(k, rank), each(d, rank), strict=True)]
    x = (n, i, *sides)
    y = shapes.convolution(x, o, k, s, p, d, rank=rank)
    kind = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[rank - 1]
    work = costs.convolution(x, y, i, o, each(k, rank), groups, bias)
    return Drawn(lambda: kind(i, o, k, s, p, d, groups, bias), (x,), y, work, groups=groups)


@st.composite
def transposed_convolutions(draw: st.DrawFn) -> Drawn:
    rank, groups, bias = draw(FEW), draw(FEW), draw(st.booleans())
    i, o, n = groups * draw(FEW), groups * draw(FEW), draw(st.sampled_from((1, 2, 3, 0)))
    k, s, d = (each(options(draw, values, rank), rank) for values in (SMALL, FEW, FEW))
    extra = tuple(draw(st.integers(0, max(ss, dd) - 1)) for ss, dd in zip(s, d, strict=True))
    p = tuple(draw(st.integers(0, min(2, dd * (kk - 1)))) for kk, dd in zip(k, d, strict=True))
    x = (n, i, *(draw(st.integers(3, 6)) for _ in range(rank)))
    y = shapes.transposed_convolution(x, o, k, s, p, extra, d, rank=rank)
    kind = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)[rank - 1]
    work = costs.transposed_convolution(x, y, i, o, k, groups, bias)
    return Drawn(lambda: kind(i, o, k, s, p, extra, groups, bias, d), (x,), y, work, groups=groups)


@st.composite
def linears(draw: st.DrawFn) -> Drawn:
    i, o, bias = draw(SMALL), draw(SMALL), draw(st.booleans())
    x = (*draw(st.lists(st.integers(1, 4), max_size=3)), i)
    y = shapes.linear(x, o)
    return Drawn(lambda: nn.Linear(i, o, bias), (x,), y, costs.linear(x, y, i, o, bias))


@st.composite
def bilinears(draw: st.DrawFn) -> Drawn:
    a, b, o, bias, n = draw(SMALL), draw(SMALL), draw(SMALL), draw(st.booleans()), draw(SMALL)
    y = shapes.linear((n, a), o)
    return Drawn(lambda: nn.Bilinear(a, b, o, bias), ((n, a), (n, b)), y, costs.bilinear((n, a), (n, b), y, a, b, o, bias))


@st.composite
def norms(draw: st.DrawFn) -> Drawn:
    c, affine, rank = 2 * draw(FEW), draw(st.booleans()), draw(FEW)
    x = (2, c, *[draw(st.integers(2, 4)) for _ in range(rank)])
    last = x[-draw(st.integers(1, rank)) :]
    batch, instance = ((nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d), (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d))
    makes: list[tuple[Callable[[], nn.Module], Work]] = [
        (lambda: batch[rank - 1](c, affine=affine), costs.channel_norm(x, c, affine)),
        (lambda: instance[rank - 1](c, affine=affine), costs.channel_norm(x, c, affine)),
        (lambda: nn.GroupNorm(2, c, affine=affine), costs.channel_norm(x, c, affine)),
        (lambda: nn.LayerNorm(last, elementwise_affine=affine), costs.layer_norm(x, last, affine)),
        (lambda: nn.LayerNorm(last, elementwise_affine=affine, bias=False), costs.layer_norm(x, last, affine, False)),
        (lambda: nn.RMSNorm(last, elementwise_affine=affine), costs.layer_norm(x, last, affine, False)),
        (lambda: nn.PReLU(c), costs.elementwise(x, x, c)),
    ]
    make, work = draw(st.sampled_from(makes))
    return Drawn(make, (x,), x, work)


@st.composite
def embeddings(draw: st.DrawFn) -> Drawn:
    rows, columns = draw(SMALL), draw(SMALL)
    x = tuple(draw(st.lists(st.integers(1, 4), max_size=3)))
    y = shapes.embedding(x, columns)
    return Drawn(lambda: nn.Embedding(rows, columns), (x,), y, costs.embedding(x, y, rows, columns), integers=True)


@st.composite
def attentions(draw: st.DrawFn) -> Drawn:
    heads, n, long, short = draw(FEW), draw(FEW), draw(SMALL), draw(SMALL)
    e, k, v = heads * draw(FEW), draw(SMALL), draw(SMALL)
    bias, more, zero, first = (draw(st.booleans()) for _ in range(4))
    query, key, value = (((n, side, w) if first else (side, n, w)) for side, w in ((long, e), (short, k), (short, v)))
    work = costs.multihead_attention(long, short, n, e, k, v, bias, more, zero)
    made = {"bias": bias, "add_bias_kv": more, "add_zero_attn": zero, "kdim": k, "vdim": v, "batch_first": first}
    return Drawn(lambda: nn.MultiheadAttention(e, heads, **made), (query, key, value), query, work)


@st.composite
def recurrences(draw: st.DrawFn) -> Drawn:
    kind = draw(st.sampled_from((nn.RNN, nn.GRU, nn.LSTM)))
    steps, n, i, h, layers = (draw(SMALL) for _ in range(5))
    bias, both = draw(st.booleans()), draw(st.booleans())
    projected = draw(st.integers(0, h - 1)) if kind is nn.LSTM else 0
    made = {"num_layers": layers, "bias": bias, "bidirectional": both, **({"proj_size": projected} if projected else {})}
    x = (steps, n, i)
    work = costs.recurrence(kind.__name__, steps, n, i, h, layers, bias, both, projected)
    return Drawn(lambda: kind(i, h, **made), (x,), shapes.recurrence(x, h, both, projected), work)


@st.composite
def pools(draw: st.DrawFn) -> Drawn:
    rank, ceil_mode = draw(FEW), draw(st.booleans())
    k, s, d = (options(draw, values, rank) for values in (SMALL, FEW, FEW))
    s = draw(st.sampled_from((s, None)))
    p = tuple(draw(st.integers(0, side // 2)) for side in each(k, rank))
    x = (draw(FEW), draw(FEW), *(kk * dd + draw(ROOM) for kk, dd in zip(each(k, rank), each(d, rank), strict=True)))
    of_max, of_mean = ((nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d), (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d))
    asked = tuple(draw(st.sampled_from((1, 2, 3, None))) for _ in range(rank))
    mean = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)[rank - 1]
    asked = (asked[0] or 1,) if rank == 1 else asked
    makes: list[tuple[Callable[[], nn.Module], Shape]] = [
        (lambda: of_max[rank - 1](k, s, p, d, ceil_mode=ceil_mode), shapes.pooling(x, k, s, p, d, ceil_mode, rank=rank)),
        (lambda: of_mean[rank - 1](k, s, p, ceil_mode), shapes.pooling(x, k, s, p, 1, ceil_mode, rank=rank)),
        (lambda: mean(asked), shapes.adaptive_pooling(x, asked, rank=rank)),
    ]
    make, y = draw(st.sampled_from(makes))
    return Drawn(make, (x,), y, costs.elementwise(x, y))


@st.composite
def movements(draw: st.DrawFn) -> Drawn:
    r, n, c = draw(FEW), draw(FEW), draw(FEW)
    h, w = draw(st.integers(3, 6)), draw(st.integers(3, 6))
    pad, factor = tuple(draw(st.integers(0, 2)) for _ in range(4)), draw(st.sampled_from((1, 2, 1.5, 0.5, 2.25)))
    plain, twice = (n, c, h, w), (n, 2 * c, 2 * h, 2 * w)
    k = draw(st.integers(1, 3))
    makes: list[tuple[Callable[[], nn.Module], Shape, Shape]] = [
        (lambda: nn.PixelShuffle(r), (n, c * r * r, h, w), shapes.pixel_shuffle((n, c * r * r, h, w), r)),
        (lambda: nn.PixelUnshuffle(r), (n, c, h * r, w * r), shapes.pixel_unshuffle((n, c, h * r, w * r), r)),
        (lambda: nn.ZeroPad2d(pad), plain, shapes.padded(plain, pad, rank=2)),
        (lambda: nn.ReflectionPad2d(k - 1), plain, shapes.padded(plain, k - 1, rank=2)),
        (lambda: nn.Upsample(scale_factor=factor), plain, shapes.upsampling(plain, None, factor, rank=2)),
        (lambda: nn.Upsample((h, w + r), mode="bilinear"), plain, shapes.upsampling(plain, (h, w + r), rank=2)),
        (lambda: nn.Unfold(k, 1, r - 1, r), plain, shapes.unfolded(plain, k, 1, r - 1, r)),
        (lambda: nn.Fold((h, w), k), (n, c * k * k, (h - k + 1) * (w - k + 1)), (n, c, h, w)),
        (lambda: nn.Flatten(r - 1), plain, shapes.flattened(plain, r - 1)),
        (lambda: nn.Flatten(1, 2), plain, shapes.flattened(plain, 1, 2)),
        (nn.GELU, plain, plain),
        (lambda: nn.GLU(r - 4), twice, shapes.gated(twice, r - 4)),
        (lambda: nn.FractionalMaxPool2d(1, output_size=(h, r)), (n, c, h + 1, r + 1), (n, c, h, r)),
        (lambda: nn.FractionalMaxPool2d(2, output_ratio=0.5), (n, c, 6, 7), shapes.fractional_pooling((n, c, 6, 7), None, 0.5, rank=2)),
        (lambda: nn.Softmax(1), plain, plain),
    ]
    make, x, y = draw(st.sampled_from(makes))
    assert make is not None
    return Drawn(make, (x,), y, costs.elementwise(x, y) if math.prod(x) else None)


COUNTED = st.one_of(convolutions(), transposed_convolutions(), linears(), attentions(), recurrences())
LAYERS = st.one_of(COUNTED, bilinears(), norms(), embeddings(), pools(), movements())


def exacting() -> list[Drawn]:
    """A layer of each kind with every option away from its default, so that no part of a formula can be left out."""
    x, y = (2, 4, 7, 9), (2, 6, 6, 7)
    up = shapes.transposed_convolution(x, 6, (2, 3), 2, 1, 1, 2, rank=2)
    query, key, value = (3, 5, 8), (3, 7, 4), (3, 7, 6)
    words = (5, 3, 4)
    lstm = {"num_layers": 2, "bidirectional": True, "proj_size": 3}
    attention = {"kdim": 4, "vdim": 6, "batch_first": True, "add_bias_kv": True, "add_zero_attn": True}
    return [
        Drawn(lambda: nn.Conv2d(4, 6, (2, 3), groups=2), (x,), y, costs.convolution(x, y, 4, 6, (2, 3), 2)),
        Drawn(
            lambda: nn.ConvTranspose2d(4, 6, (2, 3), 2, 1, 1, 2, dilation=2),
            (x,),
            up,
            costs.transposed_convolution(x, up, 4, 6, (2, 3), 2),
        ),
        Drawn(lambda: nn.Linear(4, 6), (words,), (5, 3, 6), costs.linear(words, (5, 3, 6), 4, 6)),
        Drawn(
            lambda: nn.MultiheadAttention(8, 2, **attention),
            (query, key, value),
            query,
            costs.multihead_attention(5, 7, 3, 8, 4, 6, True, True, True),
        ),
        Drawn(lambda: nn.LSTM(4, 6, **lstm), (words,), (5, 3, 6), costs.recurrence("LSTM", 5, 3, 4, 6, 2, True, True, 3)),
        Drawn(lambda: nn.GRU(4, 6), (words,), (5, 3, 6), costs.recurrence("GRU", 5, 3, 4, 6)),
    ]
