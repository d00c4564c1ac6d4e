"""Products with a matrix and with a tensor of three axes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from oracles.bounded import coarse, contract, stored


def vectors(x: Any) -> Any:
    """x (…, I) as a matrix of vectors (N, I)."""
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """Map vectors by a matrix.

    y[…, o] = bias[o] + Σ over i of x[…, i] · weight[o, i]

    x (…, I), weight (O, I), bias (O,) → (…, O)
    Source: torch.nn.Linear, y = x Aᵀ + b.
    """
    return contract("ni,oi->no", vectors(x), weight, bias).reshape(*x.shape[:-1], len(weight))


def linear_gradient(dy: Any, x: Any, weight: Any, bias: Any = None) -> dict[str, Any]:
    """The derivatives of Σ dy·y: dx = dy A, dweight = Σ of dy xᵀ over the vectors, dbias = Σ dy.

    Source: the product rule on torch.nn.Linear, y = x Aᵀ + b.
    """
    dy = vectors(dy)
    found = {"x": contract("no,oi->ni", dy, weight).reshape(x.shape), "weight": contract("no,ni->oi", dy, vectors(x))}
    return found if bias is None else {**found, "bias": np.sum(dy, axis=0)}


def bilinear(x1: Any, x2: Any, weight: Any, bias: Any = None) -> Any:
    """Map pairs of vectors, linearly in each.

    y[…, o] = bias[o] + Σ over i, j of x1[…, i] · weight[o, i, j] · x2[…, j]

    x1 (…, I), x2 (…, J), weight (O, I, J), bias (O,) → (…, O)
    Source: torch.nn.Bilinear, y = x₁ᵀ A x₂ + b.
    """
    mapped = stored(contract("ni,oij->noj", vectors(x1), weight))
    return contract("noj,nj->no", mapped, vectors(x2), bias).reshape(*x1.shape[:-1], len(weight))


def bilinear_in_steps(x1: Any, x2: Any, weight: Any, bias: Any = None) -> Any:
    """The same, the sums stored before the bias is added.

    Source: torch.nn.Bilinear, y = x₁ᵀ A x₂ + b.
    """
    y = stored(bilinear(x1, x2, weight))
    return y if bias is None else y + bias


def x2_first(formulation: Callable[..., Any]) -> Callable[..., Any]:
    """The formulation that maps x2 before x1."""

    def other(x1: Any, x2: Any, weight: Any, bias: Any = None) -> Any:
        return formulation(x2, x1, np.swapaxes(weight, 1, 2), bias)

    return other


bilinear.formulations = (bilinear_in_steps, x2_first(bilinear), x2_first(bilinear_in_steps))  # type: ignore[attr-defined]


def bilinear_gradient(dy: Any, x1: Any, x2: Any, weight: Any, bias: Any = None) -> dict[str, Any]:
    """The derivatives of Σ dy·y.

    dx1[n, i] = Σ over o, j of dy[n, o] · weight[o, i, j] · x2[n, j], dx2 likewise
    dweight[o, i, j] = Σ over n of dy[n, o] · x1[n, i] · x2[n, j], dbias[o] = Σ over n of dy[n, o]

    Source: the product rule on torch.nn.Bilinear, y = x₁ᵀ A x₂ + b.
    """
    dy, left, right = vectors(dy), vectors(x1), vectors(x2)
    weighted = stored(dy[:, :, None] * left[:, None, :])
    found = {
        "x1": contract("nij,nj->ni", stored(contract("no,oij->nij", dy, weight)), right).reshape(x1.shape),
        "x2": contract("nij,ni->nj", stored(contract("no,oij->nij", dy, weight)), left).reshape(x2.shape),
        "weight": contract("noi,nj->oij", weighted, right),
    }
    return found if bias is None else {**found, "bias": np.sum(dy, axis=0)}


def bilinear_gradient_by_outputs(dy: Any, x1: Any, x2: Any, weight: Any, bias: Any = None) -> dict[str, Any]:
    """The same, one output after the other: dx1 and dx2 are added up in tensors of the storage format.

    Source: the product rule on torch.nn.Bilinear, y = x₁ᵀ A x₂ + b.
    """
    rows, left, right = vectors(dy), vectors(x1), vectors(x2)
    scaled = stored(rows[:, :, None, None] * weight)
    by_x2 = stored(rows[:, :, None] * right[:, None, :])
    return {
        **bilinear_gradient(dy, x1, x2, weight, bias),
        "x1": np.sum(coarse(stored(contract("noij,nj->noi", scaled, right))), axis=1).reshape(x1.shape),
        "x2": np.sum(coarse(stored(contract("noij,ni->noj", scaled, left))), axis=1).reshape(x2.shape),
        "weight": contract("noj,ni->oij", by_x2, left),
    }


def bilinear_gradient_by_vectors(dy: Any, x1: Any, x2: Any, weight: Any, bias: Any = None) -> dict[str, Any]:
    """The same, weight times the other vector first, or the two vectors first.

    Source: the product rule on torch.nn.Bilinear, y = x₁ᵀ A x₂ + b.
    """
    rows, left, right = vectors(dy), vectors(x1), vectors(x2)
    return {
        **bilinear_gradient(dy, x1, x2, weight, bias),
        "x1": contract("noi,no->ni", stored(contract("oij,nj->noi", weight, right)), rows).reshape(x1.shape),
        "x2": contract("noj,no->nj", stored(contract("oij,ni->noj", weight, left)), rows).reshape(x2.shape),
        "weight": contract("nij,no->oij", stored(left[:, :, None] * right[:, None, :]), rows),
    }


bilinear_gradient.formulations = (bilinear_gradient_by_outputs, bilinear_gradient_by_vectors)  # type: ignore[attr-defined]
