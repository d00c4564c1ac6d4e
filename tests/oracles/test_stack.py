"""The oracle of stacks against those of single layers, and where an image ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from oracles.bounded import exact, ieee
from oracles.stack import stack
from oracles.upsampling import interpolate

FLOAT32 = ieee("float32")


@pytest.mark.parametrize("size", [(8, 10), (3, 2), (5, 5)])
@pytest.mark.parametrize("corners", [False, True])
def test_linear_upsampling_is_interpolation(size: tuple[int, int], corners: bool) -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 3, 5))
    found = stack(x, np.zeros(0), layers=(("Upsample", size, None, "bilinear", corners),))
    np.testing.assert_allclose(found, interpolate(x, size=size, mode="bilinear", align_corners=corners), rtol=1e-12)


def test_where_an_image_ends_its_last_pixel_is_weighed_twice() -> None:
    """0.375·x + 0.625·x, of which each product is rounded: exact for integers only."""
    layers: Any = (("Upsample", (4, 2), None, "bilinear"),)
    for pixel, wrong in ((-0.6485388875007629, -0.6485388278961182), (5.0, np.nextafter(np.float32(5), np.float32(6)))):
        found = stack(exact(np.full((1, 1, 1, 1), pixel), FLOAT32), exact(np.zeros(0), FLOAT32), layers=layers)
        assert found.accepts(np.full(found.shape, pixel)).all()
        assert found.accepts(np.full(found.shape, wrong)).any() == (pixel != 5.0)
        assert not found.accepts(np.full(found.shape, pixel * (1 + 2.0**-20))).any()
