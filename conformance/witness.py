"""A case as a known failure stores it: its witness, and the cases that are like it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from conformance.known import CIRCUMSTANCES
from conformance.model import Case

PLAIN = Case({}, {}, "float32")  # the circumstances of a case of which nothing is said
SIMPLE = (bool, int, float, str, tuple, type(None))


def draft(case: Case) -> dict[str, Any]:
    """What a report keeps of a failing case, to propose an entry from."""
    return {"where": where(case), "witness": witness(case)}


def witness(case: Case) -> dict[str, Any]:
    """A case as a known failure stores it: arrays and options by name, as TOML and JSON can hold them."""
    arrays = {name: _stored(array, case.dtype) for name, array in case.arrays.items() if array is not None}
    said = {name: getattr(case, field) for name, field in CIRCUMSTANCES.items() if getattr(case, field) != getattr(PLAIN, field)}
    return {**arrays, **{name: _plain(value) for name, value in {**case.options, **said}.items()}}


def where(case: Case) -> str:
    """The cases like this one: the same options, layouts and regime."""
    told = {**case.options, "layouts": dict(case.layouts), "asked": case.asked, "regime": case.regime}
    chosen = {name: value for name, value in told.items() if isinstance(value, SIMPLE) or name == "layouts"}
    return " and ".join(f"{name} == {value!r}" for name, value in chosen.items() if value or name not in ("layouts", "asked"))


def _stored(array: np.ndarray, own: str) -> dict[str, Any]:
    values = array.astype(float) if array.dtype.kind in "fV" else array
    other = {} if array.dtype.name == own else {"dtype": array.dtype.name}
    return {"shape": list(array.shape), "values": values.ravel().tolist(), **other}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    return "None" if value is None else value
