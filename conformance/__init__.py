"""A property-based conformance suite for the CNN stack: is it a bug, or is it rounding?"""

from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "cost_table":
        from conformance.cost import cost_table  # noqa: PLC0415 — torch is imported when it is needed

        return cost_table
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
