"""Nouns: what is tested, one file per family."""

from __future__ import annotations

import importlib

from conformance.model import Operation

FAMILIES = (
    "convolution",
    "integer_convolution",
    "transposed_convolution",
    "separable_convolution",
    "deformable_convolution",
    "unfold",
    "stack",
    "pooling",
    "average_pooling",
    "adaptive_pooling",
    "power_pooling",
    "fractional_pooling",
    "unpooling",
    "padding",
    "flattening",
    "upsampling",
    "shuffling",
    "affine",
    "grid_sampling",
    "activation",
    "rectifiers",
    "smooth_activations",
    "softmax",
    "normalization",
    "instance_normalization",
    "layer_normalization",
    "local_response",
    "batch_statistics",
    "attention",
    "multihead_attention",
    "attention_blocks",
    "linear",
    "embedding",
    "dropout",
    "classification_loss",
    "regression_loss",
    "likelihood_loss",
    "binary_loss",
    "margin_loss",
    "embedding_loss",
    "ctc_loss",
    "linear_cross_entropy",
    "adaptive_softmax",
    "descent",
    "adam",
    "adaptive_rates",
    "factored_optimizers",
    "lbfgs",
    "clipping",
    "averaging",
    "scheduler",
    "cyclic_scheduler",
    "annealing_scheduler",
    "composed_scheduler",
    "plateau",
    "cv_filtering",
    "cv_boxes",
    "cv_edges",
    "cv_color",
    "cv_histogram",
    "cv_morphology",
    "cv_codec",
)


def all_operations() -> tuple[Operation, ...]:
    """Every operation, family by family."""
    modules = (importlib.import_module(f"{__name__}.{family}") for family in FAMILIES)
    return tuple(operation for module in modules for operation in module.OPERATIONS)
