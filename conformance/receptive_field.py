"""What each tensor of a network can see of its first input, followed through whatever `forward` does."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from conformance.model import torch
from oracles import receptive_field as oracle
from oracles.receptive_field import Field, Look, along


class Along(NamedTuple):
    """What a tensor sees along one axis of the input: position i of its axis `dim` sees `field`, or all of it does where dim is None."""

    dim: int | None
    field: Field


View = tuple[Along, ...]  # one for each axis of the input behind batch and channels


def view_of_input(x: Any) -> View:
    """Every pixel sees itself."""
    return tuple(Along(dim, Field()) for dim in range(2, x.ndim))


def everywhere(seen: Along, shape: Sequence[int]) -> Along:
    """Seen by something that looks at the whole tensor."""
    return seen if seen.dim is None else Along(None, seen.field.all_of(shape[seen.dim]))


def joined(views: Sequence[tuple[View, Sequence[int]]], shape: Sequence[int]) -> View:
    """The view of a result made, element by element, of tensors with these views and shapes, broadcast to its shape."""
    return tuple(_joined(axis, shape) for axis in zip(*([(a, s) for a in view] for view, s in views), strict=True))


def _joined(parts: Sequence[tuple[Along, Sequence[int]]], shape: Sequence[int]) -> Along:
    shifted = [_broadcast(seen, own, shape) for seen, own in parts]
    if len({(seen.dim, seen.field.jump) for seen in shifted}) > 1:
        shifted = [everywhere(seen, shape) for seen in shifted]
    first = shifted[0]
    for seen in shifted[1:]:
        first = Along(first.dim, first.field.joined(seen.field))
    return first


def _broadcast(seen: Along, own: Sequence[int], shape: Sequence[int]) -> Along:
    if seen.dim is None:
        return seen
    dim = seen.dim + len(shape) - len(own)
    return Along(dim, seen.field) if 0 <= dim < len(shape) and shape[dim] == own[seen.dim] else everywhere(seen, own)


# How aten's functions look: the axes of x through which they look, and how; other axes stay as they are.

Looks = Mapping[int, Look]
ALIKE = {"native_dropout", "_prelu_kernel", "_to_copy", "alias", "detach", "channel_shuffle", "lift_fresh", "copy_"}


def _last(rank: int, looks: Callable[[int], Look]) -> Looks:
    return {axis - rank: looks(axis) for axis in range(rank)}


def _convolution(x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, is_transposed: bool, *_: Any) -> Looks:
    look, rank = oracle.transposed if is_transposed else oracle.window, weight.ndim - 2
    options = (weight.shape[2:], stride, padding, dilation)
    return _last(rank, lambda axis: look(*(along(option, axis) for option in options)))


def _max_pool(x: Any, kernel: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, *_: Any) -> Looks:
    options = (kernel, stride or kernel, padding, dilation)
    return _last(len(kernel), lambda axis: oracle.window(*(along(option, axis) for option in options)))


def _average_pool(x: Any, kernel: Any, stride: Any = (), padding: Any = 0, *_: Any) -> Looks:
    return _max_pool(x, kernel, stride, padding)


def _adaptive_pool(x: Any, size: Any) -> Looks:
    return _last(len(size), lambda axis: oracle.adaptive(x.shape[axis - len(size)], size[axis]))


def _ratio(x: Any, size: Any, scales: Sequence[float | None], axis: int) -> Fraction:
    scale = scales[axis] if axis < len(scales) else None
    return 1 / Fraction(scale) if scale else Fraction(x.shape[axis - len(size)], size[axis])


def _nearest(exact: bool) -> Callable[..., Looks]:
    return lambda x, size, *scales: _last(len(size), lambda axis: oracle.nearest(_ratio(x, size, scales, axis), exact))


def _by_kernel(width: int, antialias: bool = False) -> Callable[..., Looks]:
    """Interpolation by a kernel that reaches `width` cells."""

    def looks(x: Any, size: Any, align_corners: bool, *scales: float | None) -> Looks:
        def look(axis: int) -> Look:
            corners = Fraction(x.shape[axis - len(size)] - 1, max(size[axis] - 1, 1))
            ratio = corners if align_corners else _ratio(x, size, scales, axis)
            return oracle.kernel(ratio, align_corners, width, antialias)

        return _last(len(size), look)

    return looks


def _pad(x: Any, pad: Any, *_: Any) -> Looks:
    return {-1 - i: Look(Fraction(1), Fraction(-before), Fraction(0)) for i, before in enumerate(pad[::2])}


def _slice(x: Any, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Looks:
    first = start or 0
    first = max(first + x.shape[dim], 0) if first < 0 else first
    return {dim - x.ndim if dim >= 0 else dim: Look(Fraction(step), Fraction(first), Fraction(0))}


LOOKS: Mapping[str, Callable[..., Looks]] = {
    "convolution": _convolution,
    **{f"max_pool{rank}d_with_indices": _max_pool for rank in (2, 3)},
    **{f"avg_pool{rank}d": _average_pool for rank in (1, 2, 3)},
    **{f"{name}{rank}d": _adaptive_pool for name in ("_adaptive_avg_pool", "adaptive_max_pool") for rank in (2, 3)},
    **{f"upsample_nearest{rank}d": _nearest(exact=False) for rank in (1, 2, 3)},
    **{f"_upsample_nearest_exact{rank}d": _nearest(exact=True) for rank in (1, 2, 3)},
    **dict.fromkeys(("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d"), _by_kernel(1)),
    "upsample_bicubic2d": _by_kernel(2),
    "_upsample_bilinear2d_aa": _by_kernel(1, antialias=True),
    "_upsample_bicubic2d_aa": _by_kernel(2, antialias=True),
    **{f"{name}_pad{rank}d": _pad for name in ("reflection", "replication") for rank in (1, 2, 3)},
    "constant_pad_nd": _pad,
    "slice": _slice,
    "pixel_shuffle": lambda x, r: _last(2, lambda _: oracle.nearest(Fraction(1, r))),
    "pixel_unshuffle": lambda x, r: _last(2, lambda _: oracle.window(r, r)),
}
REDUCTIONS = {"mean", "sum", "amax", "amin", "prod", "var", "std", "max", "min"}
MOVES = {"view", "_unsafe_view", "unsqueeze", "squeeze", "reshape", "_reshape_alias"}


def through(name: str, looks: Looks, view: View, x: Any) -> View:
    """The view of the result of a function that looks through axes of x."""

    def one(seen: Along) -> Along:
        if seen.dim is None:
            return seen
        if name == "convolution" and seen.dim == 1:
            return everywhere(seen, x.shape)
        look = looks.get(seen.dim - x.ndim)
        return Along(seen.dim, seen.field.through(look)) if look else seen

    return tuple(map(one, view))


def moved(view: View, old: Sequence[int], new: Sequence[int]) -> View:
    """The view of the same elements in another shape: an axis is still there where it has as many elements, and as many before it."""

    def one(seen: Along) -> Along:
        if seen.dim is None:
            return seen
        before, side = math.prod(old[: seen.dim]), old[seen.dim]
        kept = [dim for dim in range(len(new)) if new[dim] == side and math.prod(new[:dim]) == before]
        return Along(kept[-1], seen.field) if kept else everywhere(seen, old)

    return tuple(map(one, view))


def permuted(view: View, order: Sequence[int]) -> View:
    """The view of the same elements with the axes in another order."""
    return tuple(seen if seen.dim is None else Along(order.index(seen.dim), seen.field) for seen in view)


def mixed(view: View, shape: Sequence[int], dims: Sequence[int], lost: bool = False) -> View:
    """The view where some axes are seen as a whole, and are then gone if they are lost."""
    gone = {dim % len(shape) for dim in dims}

    def one(seen: Along) -> Along:
        if seen.dim is None or seen.dim in gone:
            return everywhere(seen, shape)
        return Along(seen.dim - sum(dim < seen.dim for dim in gone), seen.field) if lost else seen

    return tuple(map(one, view))


def view_of_result(
    function: Any, args: Sequence[Any], kwargs: Mapping[str, Any], out: Any, views: Sequence[tuple[View, Sequence[int]]]
) -> View:
    """What the result of an aten function can see; all that its arguments see where the function is not known."""
    name, x, shape = function._overloadpacket.__name__, args[0], tuple(out.shape)
    view, old = views[0]
    alone = len(views) == 1 and torch.is_tensor(x)
    found = joined([(mixed(view, own, range(len(own))), own) for view, own in views], shape)
    if torch.Tag.pointwise in function.tags or name in ALIKE or name == "expand":
        found = joined(views, shape)
    elif name == "cat":
        dim = (args[1] if len(args) > 1 else kwargs.get("dim", 0)) % out.ndim
        found = joined([(mixed(view, own, (dim,)), own) for view, own in views], [0 if i == dim else n for i, n in enumerate(shape)])
    elif alone and name in LOOKS:
        found = through(name, LOOKS[name](*args, **kwargs), view, x)
    elif alone and name in MOVES:
        found = moved(view, old, shape)
    elif alone and name in ("permute", "transpose", "t"):
        found = permuted(view, list(_order(name, x.ndim, args[1:])))
    elif alone and (dims := _mixed_dims(name, args, kwargs)) is not None:
        found = mixed(view, old, dims, lost=out.ndim < x.ndim)
    return found


def _order(name: str, ndim: int, dims: Sequence[Any]) -> Iterator[int]:
    if name == "permute":
        yield from (dim % ndim for dim in dims[0])
    else:
        one, other = (dim % ndim for dim in (dims if name == "transpose" else (0, ndim - 1)))
        yield from ({one: other, other: one}.get(dim, dim) for dim in range(ndim))


def _mixed_dims(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Sequence[int] | None:
    """The axes that a function of one tensor sees as a whole, or None where that is not known."""
    x, more = args[0], args[1:]
    if "batch_norm" in name and len(args) > 5:
        return () if "no_training" in name or not args[5] else range(x.ndim)
    if name in ("native_layer_norm", "_fused_rms_norm"):
        return range(x.ndim - len(more[0]), x.ndim)
    if name in ("_softmax", "_log_softmax", "_safe_softmax", "select", "split", "split_with_sizes", "unsafe_split", "unbind", "cumsum"):
        at = 1 if "split" in name else 0
        return (more[at] if len(more) > at else kwargs.get("dim", 0),)
    if name in REDUCTIONS and more and more[0] != [] and isinstance(more[0], (int, list, tuple)):
        return [more[0]] if isinstance(more[0], int) else more[0]
    return None
