"""Operations on integers: as their floating namesakes, without what only real numbers have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis.strategies import SearchStrategy

from conformance.model import Case, Operation

INTEGERS = ("int64", "int32", "int16", "int8", "uint8")


def on_integers(
    operation: Operation,
    *dtypes: str,
    oracle: Callable[..., Any],
    cases: Callable[[str], SearchStrategy[Case]],
    plain: tuple[str, ...] = ("x",),
    share: float = 0.5,
) -> Operation:
    """The operation on integers, by an oracle of plain arrays: there is no gradient, and laws and refusals are asked of floats."""
    bare: dict[str, Any] = {"gradient": None, "cost": None, "rejects": {}, "laws": ()}
    return replace(operation, variant="Integers", oracle=oracle, cases=cases, plain=plain, dtypes=dtypes, share=share, **bare)
