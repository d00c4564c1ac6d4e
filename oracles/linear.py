"""Products with a matrix, with a tensor of three axes, and with rows of a table."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.bounded import add_at, coarse, contract, stored


def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """Map vectors by a matrix.

    y[…, o] = Σ over i of x[…, i] · weight[o, i], + bias[o]

    x (…, I), weight (O, I), bias (O,) → (…, O)
    Source: torch.nn.Linear, "y = x Aᵀ + b".
    """
    return contract("...i,oi->...o", x, weight, bias)


def linear_gradient(dy: Any, x: Any, weight: Any, bias: Any = None) -> dict[str, Any]:
    """The derivatives of Σ dy·y: dx = dy weight, dweight = Σ of dyᵀ x over vectors, dbias = Σ dy.

    Source: the product rule on torch.nn.Linear's formula.
    """
    flat_dy, flat_x = vectors(dy), vectors(x)
    found = {"x": contract("...o,oi->...i", dy, weight), "weight": contract("no,ni->oi", flat_dy, flat_x)}
    return found if bias is None else {**found, "bias": np.sum(flat_dy, axis=0)}


def vectors(x: Any) -> Any:
    """x (…, I) as a matrix of vectors (N, I)."""
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def bilinear(x1: Any, x2: Any, weight: Any, bias: Any = None) -> Any:
    """Map pairs of vectors, linearly in each.

    y[…, o] = Σ over i, j of x1[…, i] · weight[o, i, j] · x2[…, j], + bias[o]

    x1 (…, I), x2 (…, J), weight (O, I, J), bias (O,) → (…, O)
    Source: torch.nn.Bilinear, "y = x₁ᵀ A x₂ + b".
    """
    first = stored(contract("...i,oij->...oj", x1, weight))
    return plus(np.sum(contract_pairs(first, x2), axis=-1), bias)


def bilinear_by_x2(x1: Any, x2: Any, weight: Any, bias: Any = None) -> Any:
    """The same, x2 first.

    Source: torch.nn.Bilinear, "y = x₁ᵀ A x₂ + b".
    """
    return bilinear(x2, x1, np.swapaxes(weight, 1, 2), bias)


bilinear.formulations = (bilinear_by_x2,)  # type: ignore[attr-defined]
