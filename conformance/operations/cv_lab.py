"""Colours as they are seen: CIE 1976 L*a*b* and L*u*v*."""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.judgement import Trial
from conformance.model import Case, Law
from conformance.operations.cv_color import ALONE, ORDER, both_orders, cases_of, colours, conversion, rejects, unit
from conformance.operations.cv_hue import TWO_DEPTHS
from conformance.operations.cv_images import assert_never_above, the_image
from conformance.strategies import is_float
from oracles.cv_lab import bgr_to_lab, bgr_to_luv, lab_to_bgr, luv_to_bgr


def of_a_screen(forward: Any, ahead: str) -> Any:
    """Numbers as the coordinates of colours that a screen can show, for an inverse: those of R, G, B."""

    def numbers(image: np.ndarray, case: Case) -> np.ndarray:
        own = case.options["code"].partition("2")[2].startswith("L")
        rgb = unit(image / np.array(8, image.dtype)) if is_float(case.dtype) else image / 255
        with np.errstate(all="ignore"):
            seen = np.asarray(forward(rgb.astype(float), code=f"{'L' if own else ''}RGB2{ahead}", dstCn=0))
        if is_float(case.dtype):
            return seen.astype(image.dtype)
        scale, shift = ((255 / 100, 1, 1), (0, 128, 128)) if ahead == "Lab" else ((255 / 100, 255 / 354, 255 / 262), (0, 134, 140))
        return np.clip(np.rint((seen + np.where(np.array(scale) == 1, shift, shift)) * scale), 0, 255).astype(image.dtype)

    return numbers


def lab(image: np.ndarray, case: Case) -> np.ndarray:
    """Coordinates of a screen's colours or, of bytes in every other case, any."""
    return image if not is_float(case.dtype) and case.seed % 2 else of_a_screen(bgr_to_lab, "Lab")(image, case)


def brighter_is_lighter(trial: Trial, case: Case) -> None:
    """L does not fall where grays rise."""
    ramp = np.repeat(np.arange(256, dtype=np.uint8).reshape(1, 256, 1), the_image(case).shape[2], axis=2)
    assert_never_above(
        *(trial.run(case.but(image=ramp))["output"][:, at, 0] for at in (slice(0, 255), slice(1, 256))), "a brighter gray is darker"
    )


LIGHTER = Law("a brighter gray is not darker", brighter_is_lighter)
BGR2Lab = conversion(
    "BGR2Lab", bgr_to_lab, cases_of(both_orders("BGR2Lab", "LBGR2Lab"), colours), rejects((3, 4), ("uint16",)), (ALONE, ORDER, LIGHTER),
    TWO_DEPTHS,
)  # fmt: skip
BGR2Luv = conversion(
    "BGR2Luv", bgr_to_luv, cases_of(both_orders("BGR2Luv", "LBGR2Luv"), colours), rejects((3, 4), ("uint16",)), (LIGHTER,), TWO_DEPTHS
)
Lab2BGR = conversion(
    "Lab2BGR", lab_to_bgr, cases_of(both_orders("Lab2BGR", "Lab2LBGR"), lab, alpha=True), rejects((3,), ("uint16",), alpha=True),
    (ALONE, ORDER), TWO_DEPTHS,
)  # fmt: skip
Luv2BGR = conversion(
    "Luv2BGR", luv_to_bgr, cases_of(both_orders("Luv2BGR", "Luv2LBGR"), of_a_screen(bgr_to_luv, "Luv"), alpha=True),
    rejects((3,), ("uint16",), alpha=True), (ALONE, ORDER), TWO_DEPTHS,
)  # fmt: skip

OPERATIONS = (BGR2Lab, BGR2Luv, Lab2BGR, Luv2BGR)
