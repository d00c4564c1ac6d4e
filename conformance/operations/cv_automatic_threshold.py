"""Thresholds that are found in the histogram."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial
from conformance.model import Case, Law, Operation
from conformance.operations.cv_histogram import GRAY, call_threshold, threshold_in_place
from conformance.operations.cv_images import drawn_image, image_data, of_type, shape_of_image, with_channels
from conformance.operations.laws import assert_same
from oracles.cv_automatic_threshold import OTSU, TRIANGLE, automatic_threshold


def images(flag: int) -> Any:
    """Noise, two or three heaps of gray values, few gray values and one; a threshold that does not count."""

    @st.composite
    def cases(draw: st.DrawFn, dtype: str) -> Case:
        image = drawn_image(draw, data := draw(image_data(dtype)), GRAY)
        kind, most = draw(st.sampled_from(("heaps", "few", "noise"))), np.iinfo(image.dtype).max
        rng = data.rng("heaps")
        if kind == "heaps":
            middles = rng.integers(0, most + 1, draw(st.integers(2, 3)))
            heap = rng.choice(middles, image.shape) + rng.standard_normal(image.shape) * most / 24
            image = np.clip(heap, 0, most).astype(image.dtype)
        elif kind == "few":
            image = rng.choice(rng.integers(0, most + 1, 3), image.shape).astype(image.dtype)
        options = {"thresh": draw(st.sampled_from((0.0, 99.5, -1e10))), "maxval": draw(st.sampled_from((255.0, 1.0, 100.5)))}
        return data.case({"image": image}, **options, type=draw(st.integers(0, 4)) | flag)

    return cases


def computed_whatever_was_given(trial: Trial, case: Case) -> None:
    """The threshold that is given does not count, and the one that comes back gives the same image when it is given."""
    first, second = trial.run(case), trial.run(case.but(thresh=17.0))
    assert_same(second["output"], first["output"], "the threshold that is given counts")
    if not float(first["threshold"]).is_integer():
        raise Disagreement(f"the threshold {first['threshold']} is no gray value", result="threshold")
    given = trial.run(case.but(thresh=float(first["threshold"]), type=case.options["type"] & 7))
    assert_same(given["output"], first["output"], "the threshold that comes back gives another image")


def automatic(variant: str, flag: int, dtypes: tuple[str, ...], rejects: dict[str, Any]) -> Operation:
    """The operation of one way to find it."""
    return Operation(
        name="cv2.threshold",
        variant=variant,
        call=call_threshold,
        in_place=threshold_in_place,
        oracle=automatic_threshold,
        cases=images(flag),
        shape=lambda image, **o: {**shape_of_image(image), "threshold": ()},
        result_dtypes={"threshold": "float64"},
        rejects={
            **rejects,
            "the depth must be one that has a histogram: float32": of_type("float32"),
            "the depth must be one that has a histogram: int16": of_type("int16"),
            "the image must be gray": with_channels(3),
            "one way must be chosen": lambda case: case.but(type=case.options["type"] | OTSU | TRIANGLE),
        },
        laws=(Law("the threshold is computed, whatever is given", computed_whatever_was_given),),
        follows_subject=True,
        dtypes=dtypes,
    )


OPERATIONS = (
    automatic("OTSU", OTSU, ("uint8", "uint16"), {}),
    automatic("TRIANGLE", TRIANGLE, ("uint8",), {"the depth must have 8 bits": of_type("uint16")}),
)
