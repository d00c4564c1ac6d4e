"""Nouns: what is tested, one file per family."""

from __future__ import annotations

import importlib

from conformance.model import Operation

FAMILIES = (
    "convolution",
    "transposed_convolution",
    "integer_convolution",
    "separable_convolution",
    "deformable_convolution",
    "unfold",
    "stack",
    "pooling",
    "upsampling",
    "shuffling",
    "affine",
    "grid_sampling",
    "activation",
    "rectifiers",
    "smooth_activations",
    "softmax",
    "normalization",
    "attention",
    "multihead_attention",
    "attention_blocks",
    "linear",
    "embedding",
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
