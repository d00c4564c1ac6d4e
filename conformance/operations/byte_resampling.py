"""Resampling of images of bytes."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from conformance.model import Case, Law, Operation
from conformance.operations.upsampling import FUNCTION_REJECTS, FURTHER_REJECTS, call, cases, nothing, shape
from conformance.operations.upsampling_laws import MIRRORS, REPEATS, SAME
from oracles.byte_resampling import interpolate_bytes


def smoothed_or_not(mode: str) -> Any:
    """Strategies of cases with antialias and without, by dtype."""

    def drawn(dtype: str) -> st.SearchStrategy[Case]:
        return st.one_of(cases(mode)(dtype), cases(mode, antialias=True)(dtype))

    return drawn


SMOOTHED = FURTHER_REJECTS["antialias"]
REJECTS = {"nearest": FUNCTION_REJECTS, "bilinear": SMOOTHED, "bicubic": SMOOTHED, "lanczos": FURTHER_REJECTS["lanczos"]}


def of_bytes(name: str, drawn: Any, *laws: Law) -> Operation:
    """torch.nn.functional.interpolate on bytes, which have no gradient."""
    return Operation(
        name="torch.nn.functional.interpolate",
        variant=f"{name}_bytes",
        call=call,
        oracle=interpolate_bytes,
        shape=shape,
        cost=nothing,
        cases=drawn,
        rejects=REJECTS[name],
        laws=laws,
        dtypes=("uint8",),
        share=0.6,
    )


OPERATIONS = (
    of_bytes("nearest", cases("nearest", "nearest-exact"), SAME, REPEATS),
    of_bytes("bilinear", smoothed_or_not("bilinear"), SAME, MIRRORS),
    of_bytes("bicubic", smoothed_or_not("bicubic"), SAME, MIRRORS),
    of_bytes("lanczos", cases("lanczos", antialias=True), SAME, MIRRORS),
)
