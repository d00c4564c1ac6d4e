"""Which depths a filter may have results in."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.cv_linear import DEPTHS as NAMES

DEPTH = {name: code for code, name in NAMES.items()}
SAME = -1


def codes(**names: str) -> dict[str, tuple[int, ...]]:
    """Depth codes by the depth of the image; −1, the image's own, is the simplest."""
    return {own: (SAME, *(DEPTH[name] for name in wider.split())) for own, wider in names.items()}


WIDER = codes(uint8="int32 float32 float64", uint16="int32 float32 float64", int16="int32 float32 float64", float32="float64", float64="")
FILTERED = codes(uint8="uint16 int16 float32 float64", uint16="float32 float64", int16="float32 float64", float32="", float64="")


def with_depth(output: Any) -> dict[str, Any]:
    """An image with the name of its depth."""
    return {"output": output, "depth": np.array(output.dtype.name)}
