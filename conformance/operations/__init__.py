"""Nouns: what is tested, one file per family."""

from __future__ import annotations

import importlib

from conformance.model import Operation

FAMILIES = (
    "convolution",
    "pooling",
    "normalization",
    "activation",
    "rectifiers",
    "smooth_activations",
    "dropout",
    "loss",
    "optimizer",
    "scheduler",
    "cv_filtering",
    "cv_color",
    "cv_morphology",
    "cv_codec",
)


def all_operations() -> tuple[Operation, ...]:
    """Every operation, family by family."""
    modules = (importlib.import_module(f"{__name__}.{family}") for family in FAMILIES)
    return tuple(operation for module in modules for operation in module.OPERATIONS)
