"""The cross entropy of logits that a linear map makes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from oracles.bounded import stored, weighted
from oracles.classification_loss import cross_entropy, cross_entropy_gradient, cross_entropy_gradient_by, log_softmax, log_softmax_inside
from oracles.linear import linear, linear_gradient, vectors

BY_DEFAULT = -100  # "when target contains class indices, the default value is mapped to −100"


def logits_of(input: Any, linear_weight: Any, linear_bias: Any, out_features: tuple[int, ...]) -> Any:
    """input · linear_weightᵀ + linear_bias, the classes before the further axes: (N, C, d₁, …) or (C,)"""
    classes = len(linear_weight) // math.prod(out_features)
    return stored(linear(input, linear_weight, linear_bias)).reshape(*input.shape[:-1], classes, *out_features)


def linear_cross_entropy_by(loss: Callable[..., Any]) -> Callable[..., Any]:
    """The oracle with one way to compute the cross entropy."""

    def linear_cross_entropy(
        input: Any,
        linear_weight: Any,
        target: Any,
        linear_bias: Any = None,
        weight: Any = None,
        *,
        out_features: tuple[int, ...],
        ignore_index: int | None,
        reduction: str,
        label_smoothing: float,
        chunks: Any = None,
    ) -> Any:
        """CrossEntropyLoss of input · linear_weightᵀ + linear_bias, whose rows are C classes by out_features.

        ignore_index None is −100 for class indices; how the batch is cut into `chunks` changes nothing in the mathematics.

        input (N, I) or (I,), linear_weight (C·Π d, I), linear_bias (C·Π d,), weight (C,),
        target (N, d₁, …) or () of class indices, or (N, C, d₁, …) or (C,) of probabilities → (N, d₁, …) or (), or () if it is reduced
        Source: torch.nn.LinearCrossEntropyLoss; torch.nn.functional.linear_cross_entropy, the reference implementation.
        """
        logits = logits_of(input, linear_weight, linear_bias, out_features)
        ignored = BY_DEFAULT if ignore_index is None else ignore_index
        return loss(logits, target, weight, ignore_index=ignored, reduction=reduction, label_smoothing=label_smoothing)

    return linear_cross_entropy


linear_cross_entropy = linear_cross_entropy_by(cross_entropy)
linear_cross_entropy.formulations = tuple(  # type: ignore[attr-defined]
    linear_cross_entropy_by(loss)
    for loss in cross_entropy.formulations  # type: ignore[attr-defined]
)


def by_rows(dy: Any, flat: Any, input: Any, linear_weight: Any, linear_bias: Any) -> dict[str, Any]:
    """The gradient of a linear map, each vector's cotangent dy (N,) or () put on what `flat` is multiplied by."""
    column = dy[..., None]
    by_name = linear_gradient(flat, stored(input * column), linear_weight, linear_bias)
    by_name["x"] = stored(by_name["x"]) * column
    return by_name if linear_bias is None else {**by_name, "bias": np.sum(vectors(flat * column), axis=0)}


def by_terms(spread: Any, taken: Any, input: Any, linear_weight: Any, linear_bias: Any) -> dict[str, Any]:
    """The gradient of a linear map by a difference of cotangents as a difference of gradients, the second that of the target's row only."""
    by_name, batch = linear_gradient(spread, input, linear_weight, linear_bias), "n" * (input.ndim - 1)
    by_name["x"] = by_name["x"] - weighted(f"ci,{batch}c->{batch}i", linear_weight, taken)
    by_name["weight"] = by_name["weight"] - weighted(f"{batch}i,{batch}c->ci", input, taken)
    return by_name if linear_bias is None else {**by_name, "bias": by_name["bias"] - np.sum(vectors(taken), axis=0)}


def linear_cross_entropy_gradient_by(loss_gradient: Callable[..., Any], scaled_last: bool, rows: bool = False) -> Callable[..., Any]:
    """The gradient with one way to compute that of the cross entropy, and the cotangent first or last, or on the rows of the batch."""

    def linear_cross_entropy_gradient(
        dy: Any,
        input: Any,
        linear_weight: Any,
        target: Any,
        linear_bias: Any = None,
        weight: Any = None,
        *,
        out_features: tuple[int, ...],
        ignore_index: int | None,
        reduction: str,
        label_smoothing: float,
        chunks: Any = None,
    ) -> dict[str, Any]:
        """The gradient of the cross entropy by its logits, and by the chain rule those of the linear map."""
        logits = logits_of(input, linear_weight, linear_bias, out_features)
        settings = {"reduction": reduction, "label_smoothing": label_smoothing}
        ignored = BY_DEFAULT if ignore_index is None else ignore_index
        found = loss_gradient(np.ones_like(dy) if scaled_last else dy, logits, target, weight, ignore_index=ignored, **settings)
        on_rows = rows and reduction == "none" and not out_features
        if scaled_last and reduction == "none" and not on_rows:
            found = {name: slope * np.expand_dims(dy, min(1, logits.ndim - 1)) for name, slope in found.items()}
        flat, *terms = (
            stored(found[name]).reshape(*input.shape[:-1], len(linear_weight)) for name in ("input", "spread", "taken") if name in found
        )
        linear_map = (input, linear_weight, linear_bias)
        if on_rows:
            by_name = by_rows(dy, flat, *linear_map)
        elif terms:
            by_name = by_terms(terms[0], terms[1], *linear_map)
        else:
            by_name = linear_gradient(flat, *linear_map)
        gradients = {"input": by_name["x"], "linear_weight": by_name["weight"]}
        gradients |= {} if linear_bias is None else {"linear_bias": by_name["bias"]}
        gradients |= {"target": found["target"] * (dy[..., None] if on_rows else 1)} if "target" in found else {}
        return {name: gradient * dy for name, gradient in gradients.items()} if scaled_last and reduction != "none" else gradients

    return linear_cross_entropy_gradient


OF_TERMS = tuple(cross_entropy_gradient_by(logarithm, True, terms=True) for logarithm in (log_softmax, log_softmax_inside))
linear_cross_entropy_gradient = linear_cross_entropy_gradient_by(cross_entropy_gradient, False)
linear_cross_entropy_gradient.formulations = tuple(  # type: ignore[attr-defined]
    linear_cross_entropy_gradient_by(gradient, last, rows)
    for last, rows in ((False, False), (True, False), (True, True))
    for gradient in (cross_entropy_gradient, *cross_entropy_gradient.formulations, *(() if rows else OF_TERMS))  # type: ignore[attr-defined]
)[1:]
