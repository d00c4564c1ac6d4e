"""Local response normalisation."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from oracles.bounded import stored


def neighbours(x: Any, size: int) -> Any:
    """Σ x over the channels c − ⌊size/2⌋ … c + ⌊size/2⌋ of axis 1, as far as there are some."""
    reach = size // 2
    padded = np.pad(x, [(reach, reach) if axis == 1 else (0, 0) for axis in range(x.ndim)])
    return np.sum(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=1), axis=-1)


def scale_of(x: Any, size: int, alpha: float, k: float) -> Any:
    """k + alpha/size · Σ x²: the mean first, or alpha/size first."""
    return stored(k + alpha * stored(neighbours(stored(np.square(x)), size) / size))


def local_response_norm(x: Any, *, size: int, alpha: float, beta: float, k: float, inverted: bool = False) -> Any:
    """Divide by what the neighbouring channels hold.

    y_c = x_c · (k + alpha/size · Σ x_c′²)^−beta, c′ = max(0, c − size/2) … min(C − 1, c + size/2)

    x (N, C, …) → as x
    Source: torch.nn.LocalResponseNorm, the formula; Krizhevsky, Sutskever & Hinton 2012, section 3.3.
    """
    scale = scale_of(x, size, alpha, k)
    return x * stored(np.power(scale, -beta)) if inverted else x / stored(np.power(scale, beta))


local_response_norm.formulations = (functools.partial(local_response_norm, inverted=True),)  # type: ignore[attr-defined]


def local_response_norm_gradient(
    dy: Any, x: Any, *, size: int, alpha: float, beta: float, k: float, inverted: bool = False
) -> dict[str, Any]:
    """With s the scale: dx_c = dy_c·s_c^−beta − 2·alpha·beta/size · x_c · Σ dy_c′·x_c′·s_c′^(−beta − 1), over the same neighbours.

    Source: the derivative of the formula of torch.nn.LocalResponseNorm.
    """
    scale = scale_of(x, size, alpha, k)
    power = stored(np.power(scale, beta))
    if inverted:
        y = x * stored(np.power(scale, -beta))
        return {"x": stored(dy * stored(np.power(scale, -beta))) - 2 * alpha * beta / size * x * neighbours(stored(dy * y / scale), size)}
    if beta == 0:
        return {"x": stored(dy / power)}
    derivative = stored(-(dy * stored(stored(x / power) / power))) * stored(beta * np.power(scale, beta - 1))
    return {"x": stored(dy / power) + 2 * x * stored(alpha * stored(neighbours(derivative, size) / size))}


local_response_norm_gradient.formulations = (  # type: ignore[attr-defined]
    functools.partial(local_response_norm_gradient, inverted=True),
)
