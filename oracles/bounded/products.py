"""Sums of products: contractions, matrix products and everything built from them.

n products in any order err by at most n·u·Σ|a||b| (Jeannerod & Rump 2013, SIAM J. Matrix Anal. Appl. 34:338), whatever n;
products of exact zeros add no rounding and are not counted. Declared depths do not apply here: matrix kernels sum long chains.

A matrix unit that chops adds a block of products to the sum so far at once: all are aligned with the largest, what hangs over its last
place is cut off, and so is the result (Fasi, Higham, Mikaitis & Pranesh 2021, PeerJ Computer Science 7:e330). Each number that is cut off
loses less than 2u times the largest, and there are, for n products, at most n of them, n sums so far and n results: 6·n·u·Σ|a||b| in all,
as no sum of numbers that were cut off is larger than Σ|a||b|. Where every partial sum is a multiple of a power of two q and at most 2ᵖ·q,
nothing hangs over.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .arithmetic import Arithmetic, Split
from .ball import UFUNCS, Bounded, ball, bounded, rule, together
from .elementwise import flushed
from .formats import Array, Mask
from .overflow import restless
from .reductions import accumulated, meets_overflow, special, total

Product = Callable[[Array, Array], Array]

CHOPPED = 6
"""Roundings that a product of a chopped sum counts for."""


def _einsum(spec: str, a: Array, b: Array) -> Array:
    """numpy.einsum, through matrix products where they pay."""
    return np.asarray(np.einsum(spec, a, b, optimize=_work(spec, a, b) > 1 << 14))


def _extents(spec: str, a: Array, b: Array) -> dict[str, int]:
    first, _, second = spec.replace(" ", "").partition("->")[0].partition(",")
    extents: dict[str, int] = {}
    for labels, array in ((first, a), (second, b)):
        head, dots, tail = labels.partition("...")
        shape = array.shape
        between = len(shape) - len(head) - len(tail)
        extents.update(zip(head, shape, strict=False))
        extents.update(zip(tail, shape[len(shape) - len(tail) :], strict=False))
        if dots:
            extents["..."] = max(extents.get("...", 1), math.prod(shape[len(head) : len(head) + between]))
    return extents


def _work(spec: str, a: Array, b: Array) -> int:
    return math.prod(_extents(spec, a, b).values())


def _length(spec: str, a: Any, b: Any) -> int:
    """How many products one result sums."""
    source, _, target = spec.replace(" ", "").partition("->")
    left = target if "->" in spec else "".join(c for c in set(source) if source.count(c) == 1)
    return math.prod(n for label, n in _extents(spec, a, b).items() if label not in left)


def contract(spec: str, a: Any, b: Any, start: Any = None) -> Any:
    """numpy.einsum of two operands whose sums start from `start` (a bias) if there is one; plain arrays and balls.

    spec an einsum specification; start broadcasts with the result. A bias added last errs no more, so this covers both.
    """

    def product(x: Array, y: Array) -> Array:
        return _einsum(spec, x, y)

    if not any(isinstance(x, Bounded) for x in (a, b, start)):
        value = product(np.asarray(a), np.asarray(b))
        return value if start is None else value + start
    return _bilinear(product, _length(spec, _shaped(a), _shaped(b)), a, b, start)


def _shaped(x: Any) -> Any:
    return x if hasattr(x, "shape") else np.asarray(x)


def _bilinear(product: Product, length: int, a: Any, b: Any, start: Any = None) -> Bounded:
    found, by = together((a, b) if start is None else (a, b, start))
    with np.errstate(all="ignore"):
        if by.flush:
            found = [flushed(x) for x in found]
        x, y = (_read(z, by) for z in found[:2])
        bias = found[2] if start is not None else None
        if not all(z.calm for z in (x, y, *found[2:])):
            return _restless(product, length, x, y, bias, by)
        return _calm(product, length, x, y, bias, by)


def _read(x: Bounded, by: Arithmetic) -> Bounded:
    """An operand as the multiplier sees it, perhaps rounded to a shorter format first."""
    if by.operand is None:
        return x
    shorter = by.operand
    error = np.where(shorter.represents(x.value) & (x.error == 0), 0.0, shorter.unit * (np.abs(x.value) + x.error) + shorter.tiny)
    return ball(x.value, x.error + error, by)


def _calm(product: Product, length: int, x: Bounded, y: Bounded, bias: Bounded | None, by: Arithmetic) -> Bounded:
    value = product(x.value, y.value)
    a, b = np.abs(x.value), np.abs(y.value)
    grain = min(x.grain * y.grain, math.inf) if x.is_exact and y.is_exact else 0.0
    if x.is_exact and y.is_exact:
        spread, magnitude = np.zeros(value.shape), product(a, b)
    elif x.is_exact or y.is_exact:
        spread = product(a, y.error) if x.is_exact else product(x.error, b)
        magnitude = product(a, b) + spread
    else:
        spread = product(a + x.error, y.error) + product(x.error, b)
        magnitude = product(a + x.error, b + y.error)
    terms = _terms(product, length, a + x.error, b + y.error, value)
    loss = terms * (2 * by.accumulate.normal if by.flush else by.accumulate.tiny)
    if bias is not None:
        value = np.asarray(value + bias.value)
        spread, magnitude = spread + bias.error, magnitude + np.abs(bias.value) + bias.error
        terms = terms + (np.abs(bias.value) + bias.error > 0)
        grain = min(grain, bias.grain)
    fixed = by.constant_bits is not None and (x.grain >= 1 or y.grain >= 1)
    spread = spread + loss
    roundings = CHOPPED * terms if by.chopped else terms
    whole = accumulated(by, value, spread, magnitude, roundings, terms, grain, fixed)
    return whole if by.split is None else _in_parts(by.split, length, bias is not None, whole, magnitude, terms, grain)


def _in_parts(split: Split, length: int, biased: bool, whole: Bounded, magnitude: Array, terms: Array, grain: float) -> Bounded:
    """The ball of a sum whose parts may be stored: one rounding for each, one each time that two of them are added, one for the bias."""
    most = -(-length // split.least)
    if most < 2 <= split.least:  # a single part is the whole sum, which is stored as any other
        return whole
    parts = np.minimum(most, terms)  # those that are not zero
    spread = whole.error + parts * split.storage.tiny
    roundings = (parts + biased) * (1 + split.storage.unit)  # what is added was rounded before
    summed = accumulated(whole.by.of_parts, whole.value, spread, magnitude + whole.error, roundings, terms, grain)
    return ball(summed.value, summed.error, whole.by)


def _terms(product: Product, length: int, a: Array, b: Array, value: Array) -> Array:
    """How many products are not zero for certain, per result."""
    some, other = a != 0, b != 0
    if some.all() and other.all():
        return np.full(value.shape, float(length))
    return product(some.astype(np.float64), other.astype(np.float64))


def _restless(product: Product, length: int, x: Bounded, y: Bounded, bias: Bounded | None, by: Arithmetic) -> Bounded:
    """Exact infinities and NaN give IEEE results; operands that may be infinite free the results they touch."""

    def parts(z: Bounded) -> tuple[Array, Array, Bounded]:
        given = (z.error == 0) & ~np.isfinite(z.value)
        free = (z.error > 0) & ~(np.abs(z.value) + z.error < by.compute.overflow)
        odd = given | free
        return given.astype(np.float64), free.astype(np.float64), ball(np.where(odd, 0.0, z.value), np.where(odd, 0.0, z.error), by)

    (given_x, free_x, plain_x), (given_y, free_y, plain_y) = parts(x), parts(y)
    ones_x, ones_y = np.ones(x.shape), np.ones(y.shape)
    plain_bias = None if bias is None else parts(bias)[2]
    result = _calm(product, length, plain_x, plain_y, plain_bias, by)
    taken = product(np.where(given_x > 0, x.value, plain_x.value), np.where(given_y > 0, y.value, plain_y.value))
    crossing_x, crossing_y = (((z.error >= np.abs(z.value)) & (z.error > 0)) * 1.0 for z in (plain_x, plain_y))
    pairs: tuple[tuple[Any, Any], ...] = ((free_x, ones_y), (ones_x, free_y), (given_x, crossing_y), (crossing_x, given_y))
    lost = np.asarray(np.logical_or.reduce([product(p, q) > 0 for p, q in pairs]))
    given = product(given_x, ones_y) + product(ones_x, given_y) > 0
    undefined = product(np.isnan(x.value) * given_x, ones_y) + product(ones_x, np.isnan(y.value) * given_y) > 0
    reach = product(np.abs(plain_x.value) + plain_x.error, np.abs(plain_y.value) + plain_y.error)
    if bias is not None and plain_bias is not None:
        given_bias, free_bias, _ = parts(bias)
        taken = taken + np.where(given_bias > 0, bias.value, plain_bias.value)
        lost, given = lost | (free_bias > 0), given | (given_bias > 0)
        undefined = undefined | (np.isnan(bias.value) & (given_bias > 0))
        reach = reach + np.abs(plain_bias.value) + plain_bias.error
    lost = lost | given & meets_overflow(by.of_parts, result.value, reach * (1 + 2.0**-10), taken)
    return special(by, result.value, result.error, taken, lost, given, undefined)


def weighted(spec: str, x: Any, weights: Any, beside: Any = None) -> Any:
    """contract(spec, x, weights), in which a weight that is 0 makes no term, whatever it would multiply; plain arrays and balls.

    beside a mask like weights: where a product 0·x may be formed all the same, which is NaN of a number that is or may become infinite
    """
    if not isinstance(x, Bounded) or x.calm:
        return contract(spec, x, weights)
    by, w = x.by, bounded(weights, x.by)

    def meet(some: Any, others: Any) -> Mask:
        return np.asarray(_einsum(spec, some * 1.0, others * 1.0) > 0)

    with np.errstate(all="ignore"):
        known = x.error == 0
        odd = ~np.isfinite(x.value) | (~known & restless(x.value, x.error, by))
        plain = ball(np.where(odd, 0.0, x.value), np.where(odd, 0.0, x.error), by)
        y = contract(spec, plain, w)
        signs = np.where(np.abs(w.value) > w.error, np.sign(w.value), 0.0)
        up, down = (meet(known & (x.value == side), signs > 0) | meet(known & (x.value == -side), signs < 0) for side in (np.inf, -np.inf))
        undefined = meet(known & np.isnan(x.value), signs != 0)
        undefined = undefined if beside is None else undefined | meet(odd, beside)
        taken = np.where(undefined | (up & down), np.nan, np.where(up, np.inf, np.where(down, -np.inf, 0.0)))
        given = up | down | undefined
        reach = _einsum(spec, np.abs(plain.value) + plain.error, np.abs(w.value) + w.error) * (1 + 2.0**-10)
        lost = meet(odd & ~known, signs != 0) | meet(odd, (signs == 0) & (w.error > 0)) | given & meets_overflow(by, y.value, reach, taken)
        return special(by, y.value, y.error, taken, lost, given, undefined)


@rule(np.einsum)
def einsum(spec: Any, *operands: Any, **_: Any) -> Any:
    """One operand is a sum over the missing labels; two are contracted; more are for the oracle to order."""
    if len(operands) == 2:
        return contract(spec, *operands)
    if len(operands) != 1:
        raise TypeError("einsum of three operands has no order of its own: contract two at a time")
    source, _, target = spec.replace(" ", "").partition("->")
    if len(set(source)) < len(source) or "." in source:
        raise TypeError(f"einsum {spec!r}: no rule for diagonals or ellipses of one operand")
    x = total(operands[0], axis=tuple(i for i, label in enumerate(source) if label not in target))
    left = [label for label in source if label in target]
    return x.transpose([left.index(label) for label in target])


@rule(np.matmul, table=UFUNCS)
def matmul(a: Any, b: Any, **_: Any) -> Bounded:
    """Matrix product a @ b."""
    return _bilinear(np.matmul, np.shape(a)[-1], a, b)


@rule(np.dot)
def dot(a: Any, b: Any) -> Bounded:
    """numpy.dot: sums of products over a's last and b's last-but-one axis."""
    return _bilinear(lambda x, y: np.asarray(np.dot(x, y)), math.prod(np.shape(a)[-1:]), a, b)


@rule(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Bounded:
    """numpy.tensordot."""
    shape = np.shape(a)
    summed = range(len(shape) - axes, len(shape)) if isinstance(axes, int) else np.atleast_1d(axes[0])
    length = math.prod(shape[i] for i in summed)
    return _bilinear(lambda x, y: np.asarray(np.tensordot(x, y, axes)), length, a, b)


@rule(np.outer)
def outer(a: Any, b: Any) -> Bounded:
    """Products of all pairs."""
    (x, y), by = together((a, b))
    return UFUNCS[np.multiply](bounded(x, by).reshape(-1, 1), bounded(y, by).reshape(1, -1))  # type: ignore[no-any-return]
