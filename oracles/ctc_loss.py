"""Connectionist temporal classification: the probability of a label sequence, summed over its alignments to the input.

Source of the recursions: Graves et al. 2006, section 4.1, in logarithms.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from oracles.bounded import Bounded, anything_where, exact, stored
from oracles.conventions import plain
from oracles.loss import reduced, shared
from oracles.softmax import log_softmax

NEVER = -np.inf


def log_sum(x: Any) -> Any:
    """log Σ exp(x) along the first axis, −∞ where every term is −∞.

    Its gradient is a row of shares that sum to 1: errors spread by no more than the largest of them, and the rounding is that of the
    formula on exact numbers. Followed through the formula, which takes the largest term away and adds it again, they would be doubled.
    """
    if isinstance(x, Bounded):
        rounded = log_sum_formula(exact(x.value, x.by))
        spread = np.max(np.where(x.value == NEVER, 0.0, x.error), axis=0)
        return Bounded(rounded.value, rounded.error + spread * (1 + 16 * x.by.unit), x.by)
    return log_sum_formula(x)


def log_sum_formula(x: Any) -> Any:
    """m + log Σ exp(x − m) with m the largest."""
    top = np.max(x, axis=0)
    top = np.where(plain(top) == NEVER, 0.0, top)
    with np.errstate(divide="ignore"):
        return top + np.log(np.sum(np.exp(x - top), axis=0))


def later(x: Any, places: int) -> Any:
    """(N, L) moved to the right, −∞ behind it; to the left if negative."""
    before, after = max(places, 0), max(-places, 0)
    padded = np.pad(x, ((0, 0), (before, after)), constant_values=NEVER)
    return padded[:, after : after + x.shape[1]]


class Lattice:
    """The states of the alignment: each sequence with blanks between, before and after its labels, all padded to one length.

    log_probs (T, N, C) and the lengths (N,); targets (N, S), or all sequences one after the other.
    """

    def __init__(self, log_probs: Any, targets: np.ndarray, lengths: np.ndarray, target_lengths: np.ndarray, blank: int) -> None:
        count, longest = len(lengths), int(target_lengths.max(initial=0))
        starts = np.cumsum(target_lengths) - target_lengths if targets.ndim == 1 else np.arange(count) * targets.shape[1]
        self.labels = np.full((count, 2 * longest + 1), blank)
        for n, size in enumerate(target_lengths):
            self.labels[n, 1 : 2 * size : 2] = targets.reshape(-1)[starts[n] : starts[n] + size]
        states = np.arange(2 * longest + 1)
        self.lengths, self.target_lengths = lengths, target_lengths
        self.valid = states <= 2 * target_lengths[:, None]
        self.last = self.valid & (states >= 2 * target_lengths[:, None] - 1)
        self.skips = (self.labels != blank) & (self.labels != np.roll(self.labels, 2, axis=1)) & (states >= 2)
        at = np.broadcast_to(self.labels, (len(log_probs), *self.labels.shape))
        self.emitted: Any = np.where(self.valid, np.take_along_axis(log_probs, at, axis=2), NEVER)

    def forwards(self) -> list[Any]:
        """α: for each time, log P(what was emitted until then, the state now)."""
        first = np.where(np.arange(self.labels.shape[1]) < 2, self.emitted[0], NEVER)
        path = [first]
        for emitted in self.emitted[1:]:
            a = path[-1]
            path.append(emitted + log_sum(np.stack([a, later(a, 1), np.where(self.skips, later(a, 2), NEVER)])))
        return path

    def backwards(self) -> list[Any]:
        """β: for each time, log P(what is emitted from then on, from the state now)."""
        path: list[Any] = []
        skipped = np.roll(self.skips, -2, axis=1)
        for t in reversed(range(len(self.emitted))):
            ends = np.where(self.last & (self.lengths[:, None] == t + 1), self.emitted[t], NEVER)
            if path:
                b = path[-1]
                onward = self.emitted[t] + log_sum(np.stack([b, later(b, -1), np.where(skipped, later(b, -2), NEVER)]))
                ends = np.where(self.lengths[:, None] > t + 1, onward, ends)
            path.append(ends)
        return path[::-1]

    def losses(self, forwards: list[Any]) -> Any:
        """−log P(target | input) of each sequence; an empty input emits the empty sequence."""
        found = [np.where(self.last, a, NEVER) for a in forwards]
        ends = np.stack(found)[np.maximum(self.lengths, 1) - 1, np.arange(len(self.lengths))]
        logs = log_sum(np.moveaxis(ends, 1, 0))
        return -np.where(self.lengths == 0, np.where(self.target_lengths == 0, 0.0, NEVER), logs)


def batched(log_probs: Any, *lengths: np.ndarray) -> tuple[Any, ...]:
    """(T, C) as a batch of one."""
    return (log_probs[:, None] if log_probs.ndim == 2 else log_probs, *[np.reshape(n, -1) for n in lengths])


def ctc_loss(
    log_probs: Any,
    targets: np.ndarray,
    input_lengths: np.ndarray,
    target_lengths: np.ndarray,
    *,
    blank: int,
    reduction: str,
    zero_infinity: bool,
) -> Any:
    """−log Σ over the alignments π of a target of Π over t of exp(log_probs[t, π_t])

    An alignment is the target with labels repeated and blanks put in, with a blank at least between equal labels.
    mean: each loss is divided by its target's length (an empty one counts as 1), then the mean over the batch is taken.

    log_probs (T, N, C) or (T, C), targets (N, S) or concatenated, lengths (N,) or () → (N,) or (), or () if it is reduced
    Source: torch.nn.CTCLoss; Graves et al. 2006, equations 3 to 8.
    """
    probs, lengths, sizes = batched(log_probs, input_lengths, target_lengths)
    lattice = Lattice(probs, targets, lengths, sizes, blank)
    losses = lattice.losses(lattice.forwards())
    losses = np.where(plain(losses) == np.inf, 0.0, losses) if zero_infinity else losses
    losses = losses / np.maximum(sizes, 1) if reduction == "mean" else losses
    return reduced(losses[0] if log_probs.ndim == 2 else losses, reduction)


def occupancy(lattice: Lattice, log_probs: Any) -> tuple[Any, Any]:
    """The losses, and how probable each class is at each time, given the target: (T, N, C)."""
    forwards, backwards = lattice.forwards(), lattice.backwards()
    losses = lattice.losses(forwards)
    a, b = np.stack(forwards), np.stack(backwards)
    with np.errstate(invalid="ignore"):
        shares = np.exp(a + b - np.where(plain(lattice.emitted) == NEVER, 0.0, lattice.emitted) + losses[:, None])
    own = lattice.labels[..., None] == np.arange(log_probs.shape[2])
    return losses, np.sum(np.where(own, shares[..., None], 0.0), axis=2)


def cotangents(dy: Any, losses: Any, sizes: np.ndarray, reduction: str) -> Any:
    """What each loss gets of the cotangent of the reduced one."""
    g = shared(dy, losses.shape, reduction)
    return g / np.maximum(sizes, 1) if reduction == "mean" else g


def ctc_loss_gradient(
    dy: Any,
    log_probs: Any,
    targets: np.ndarray,
    input_lengths: np.ndarray,
    target_lengths: np.ndarray,
    *,
    blank: int,
    reduction: str,
    zero_infinity: bool,
    around: bool = False,
) -> dict[str, Any]:
    """−P(class at t | target), 0 after the end of a sequence; with zero_infinity 0 for an infinite loss.

    The loss is one of logarithms of probabilities. Where they sum to 1 at a time, the loss and the loss + Σ exp(log_probs) − 1 are the same
    function: `around` gives the gradient of the second, exp(log_probs) − P(class at t | target), which differs across the constraint only.
    """
    probs, lengths, sizes = batched(log_probs, input_lengths, target_lengths)
    lattice = Lattice(probs, targets, lengths, sizes, blank)
    losses, shares = occupancy(lattice, probs)
    slopes = np.where(are_probabilities(probs), np.exp(probs) - shares, -shares) if around else -shares
    g = slopes * cotangents(dy, losses, sizes, reduction)[:, None]
    g = anything_where((plain(losses) == np.inf)[:, None] & np.ones(g.shape, bool), g)  # an infinite loss has no gradient
    return {"log_probs": np.where(kept(probs, lengths, losses, zero_infinity), g, 0.0).reshape(log_probs.shape)}


def are_probabilities(log_probs: Any) -> np.ndarray:
    """At which times exponentials sum to 1, but for the rounding of their logarithms: (T, N, 1)."""
    if isinstance(log_probs, Bounded):
        size = np.where(np.isfinite(log_probs.value), np.abs(log_probs.value), 0.0)
        log_probs = Bounded(log_probs.value, log_probs.by.compute.unit * size, log_probs.by)
    total = np.sum(np.exp(log_probs), axis=-1, keepdims=True)
    return np.asarray(np.abs(plain(total) - 1) <= getattr(total, "error", 0.0))


ctc_loss_gradient.formulations = (partial(ctc_loss_gradient, around=True),)  # type: ignore[attr-defined]


def ctc_loss_of_logits(
    input: Any,
    targets: np.ndarray,
    input_lengths: np.ndarray,
    target_lengths: np.ndarray,
    *,
    blank: int,
    reduction: str,
    zero_infinity: bool,
) -> Any:
    """CTCLoss of log softmax(input), as in the documentation's example

    input (T, N, C) or (T, C), the others as in CTCLoss → (N,) or (), or () if it is reduced
    Source: torch.nn.CTCLoss, examples; Graves et al. 2006, equations 3 to 8.
    """
    options: dict[str, Any] = {"blank": blank, "reduction": reduction, "zero_infinity": zero_infinity}
    return ctc_loss(stored(log_softmax(input, dim=-1)), targets, input_lengths, target_lengths, **options)


def ctc_loss_of_logits_gradient(
    dy: Any,
    input: Any,
    targets: np.ndarray,
    input_lengths: np.ndarray,
    target_lengths: np.ndarray,
    *,
    blank: int,
    reduction: str,
    zero_infinity: bool,
) -> dict[str, Any]:
    """softmax(input) − P(class at t | target), from parts that sum to 0 over the classes; 0 after the end of a sequence."""
    logs = stored(log_softmax(input, dim=-1))
    probs, lengths, sizes = batched(logs, input_lengths, target_lengths)
    lattice = Lattice(probs, targets, lengths, sizes, blank)
    losses, shares = occupancy(lattice, probs)
    g = (np.exp(probs) - shares) * cotangents(dy, losses, sizes, reduction)[:, None]
    g = np.where(kept(probs, lengths, losses, zero_infinity), g, 0.0)
    return {"input": (g - np.exp(probs) * np.sum(g, axis=-1, keepdims=True)).reshape(input.shape)}


def kept(probs: Any, lengths: np.ndarray, losses: Any, zero_infinity: bool) -> np.ndarray:
    """Which times have a gradient: those before the end of a sequence, with zero_infinity only of a finite loss: (T, N, 1)."""
    inside = np.arange(len(probs))[:, None] < lengths
    return np.asarray(inside & ~(zero_infinity & (plain(losses) == np.inf)))[..., None]
