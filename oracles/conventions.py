"""Where a documentation leaves open what happens, any answer will do, but one and the same throughout a call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from oracles.bounded import Exactly, OneOf


def plain(x: Any) -> np.ndarray:
    """The numbers themselves, of balls or arrays."""
    return np.asarray(getattr(x, "value", x))


def accepted(x: Any) -> Any:
    """Accepted sets as they are; an array accepts itself."""
    return x if hasattr(x, "accepts") else Exactly(x)


class Alike:
    """An accepted set with exceptions: at the positions of each (a mask) one of its choices, the same at all of them."""

    def __init__(self, rule: Any, exceptions: Sequence[tuple[np.ndarray, Sequence[Any]]]) -> None:
        self.rule = accepted(rule)
        self.exceptions = [(mask, [accepted(choice) for choice in choices]) for mask, choices in exceptions if mask.any()]
        self.shape: tuple[int, ...] = self.rule.shape

    def _settled(self, y: Any) -> list[tuple[np.ndarray, Any]]:
        """For each exception, the choice that explains most of its positions."""
        return [
            (mask, max(choices, key=lambda choice, at=mask: np.count_nonzero(choice.accepts(y)[at])))  # type: ignore[misc]
            for mask, choices in self.exceptions
        ]

    def accepts(self, y: Any) -> np.ndarray:
        """Where the rule, or the choice that was made, accepts y."""
        result = np.array(self.rule.accepts(y))
        for mask, choice in self._settled(y):
            result = np.where(mask, choice.accepts(y), result)
        return result

    def used(self, y: Any) -> np.ndarray:
        """The share that the rule, or the choice that was made, ascribes to y."""
        result = np.array(self.rule.used(y))
        for mask, choice in self._settled(y):
            result = np.where(mask, choice.used(y), result)
        return result

    @property
    def free(self) -> np.ndarray:
        """Where the rule or a choice accepts anything."""
        result = np.array(self.rule.free)
        for mask, choices in self.exceptions:
            result = np.where(mask, np.logical_or.reduce([choice.free for choice in choices]), result)
        return result

    def describe(self, index: Any = ()) -> str:
        """One element in words."""
        for mask, choices in self.exceptions:
            if mask[index]:
                words = list(dict.fromkeys(choice.describe(index) for choice in choices))
                return " or ".join(words) + (", but alike wherever the input is so" if len(words) > 1 else "")
        return str(self.rule.describe(index))


def alike(rule: Any, *exceptions: tuple[np.ndarray, Sequence[Any]]) -> Any:
    """The rule itself where there is no exception to it."""
    return Alike(rule, exceptions) if any(mask.any() for mask, _ in exceptions) else rule


def in_pieces(x: Any, kinks: Sequence[float], pieces: Sequence[Any]) -> Any:
    """A function of x in pieces between ascending kinks, as gradients have them.

    At a kink either neighbour is accepted (the one-sided derivatives), at NaN any piece or NaN; alike for all elements at that kink.
    """
    rule, value = pieces[0], plain(x)
    for kink, piece in zip(kinks, pieces[1:], strict=True):
        rule = np.where(x > kink, piece, rule)
    sides = [(kink, side) for kink, *both in zip(kinks, pieces, pieces[1:], strict=False) for side in both]
    at_kinks = [(value == kink, [side for other, side in sides if other == kink]) for kink in dict.fromkeys(kinks)]
    return alike(rule, *at_kinks, (np.isnan(value), [*pieces, x]))


def or_limit(x: Any, formula: Any, below: Any, above: Any) -> Any:
    """At −∞ and ∞, where IEEE arithmetic makes NaN of the formula: that, or the limit."""
    value = plain(x)
    infinite = np.isinf(value)
    if not infinite.any():
        return formula
    limit = np.where(value < 0, below, above)
    return OneOf([formula, limit], np.stack([np.ones(value.shape, bool), infinite]))
