"""Colours by their hue: HSV and HLS."""

from __future__ import annotations

import numpy as np

from conformance.judgement import Disagreement, Trial
from conformance.model import Case, Law, Operation
from conformance.operations.cv_color import ALONE, ORDER, both_orders, cases_of, colours, conversion, rejects, unit
from conformance.operations.cv_images import the_image
from conformance.operations.laws import assert_same
from conformance.strategies import is_float
from oracles.cv_hue import bgr_to_hls, bgr_to_hsv, hls_to_bgr, hsv_to_bgr

TWO_DEPTHS = ("uint8", "float32")


def hues(image: np.ndarray, case: Case) -> np.ndarray:
    """Numbers as a hue of 0 … 360 and two channels of 0 … 1; of bytes a hue of 0 … 179 or, FULL, any."""
    if not is_float(case.dtype):
        steps = 256 if case.options["code"].endswith("FULL") else 180
        return np.concatenate([(image[..., :1] % np.uint16(steps)).astype(np.uint8), image[..., 1:]], axis=-1)
    return unit(image / np.array(6 if case.regime == "integers" else 1, image.dtype)) * np.array([360, 1, 1], image.dtype)


def grays_have_no_hue(trial: Trial, case: Case) -> None:
    """R = G = B: hue and saturation are 0."""
    gray = np.repeat(the_image(case)[..., :1], the_image(case).shape[2], axis=2)
    found = trial.run(case.but(image=gray))["output"]
    saturation = 1 if case.options["code"].partition("2")[2].startswith("HSV") else 2
    assert_same(found[..., [0, saturation]], np.zeros_like(found[..., :2]), "a gray has a hue")


def there_and_back(forward: Operation) -> Law:
    """The law of an inverse: a pure colour comes back as it was, but for a step of its hue."""

    def check(trial: Trial, case: Case) -> None:
        rng = np.random.default_rng(case.seed)
        colour = np.array([0, 255, int(rng.integers(256))], np.uint8)[rng.permutation(3)].reshape(1, 1, 3)
        back = case.options["code"].replace("RGB", "BGR")
        ahead = "BGR2" + back.replace("2BGR", "")
        seen = Trial(forward, trial.backend).run(case.but(image=colour, code=ahead, dstCn=0))["output"]
        again = trial.run(case.but(image=seen, code=back, dstCn=0))["output"]
        step = 6 * 255 / (256 if back.endswith("FULL") else 180)
        off = np.abs(again.astype(int) - colour)
        if off.max() > step + 0.5:
            raise Disagreement(f"{colour.ravel().tolist()} becomes {again.ravel().tolist()} there and back", result="output")

    return Law("there and back", check)


GRAY = Law("grays have no hue", grays_have_no_hue)
BGR2HSV = conversion(
    "BGR2HSV", bgr_to_hsv, cases_of(both_orders("BGR2HSV", "BGR2HSV_FULL"), colours), rejects((3, 4), ("uint16",)), (ALONE, ORDER, GRAY),
    TWO_DEPTHS,
)  # fmt: skip
BGR2HLS = conversion(
    "BGR2HLS", bgr_to_hls, cases_of(both_orders("BGR2HLS", "BGR2HLS_FULL"), colours), rejects((3, 4), ("uint16",)), (ORDER, GRAY),
    TWO_DEPTHS,
)  # fmt: skip
HSV2BGR = conversion(
    "HSV2BGR", hsv_to_bgr, cases_of(both_orders("HSV2BGR", "HSV2BGR_FULL"), hues, alpha=True), rejects((3,), ("uint16",), alpha=True),
    (ORDER, there_and_back(BGR2HSV)), TWO_DEPTHS,
)  # fmt: skip
HLS2BGR = conversion(
    "HLS2BGR", hls_to_bgr, cases_of(both_orders("HLS2BGR", "HLS2BGR_FULL"), hues, alpha=True), rejects((3,), ("uint16",), alpha=True),
    (ORDER, there_and_back(BGR2HLS)), TWO_DEPTHS,
)  # fmt: skip

OPERATIONS = (BGR2HSV, BGR2HLS, HSV2BGR, HLS2BGR)
