"""Linear filters and edges."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import Case, Law, Operation, cv2
from conformance.operations.cv_boxes import depth_shape
from conformance.operations.cv_depths import DEPTH, FILTERED, SAME, with_depth
from conformance.operations.cv_images import (
    BORDERS,
    DEPTHS,
    drawn_anchor,
    drawn_image,
    emptied,
    image_data,
    of_type,
    the_image,
)
from conformance.operations.laws import assert_same
from conformance.strategies import is_float
from oracles.cv_edges import canny, laplacian, scharr, sobel, spatial_gradient
from oracles.cv_linear import filter2d, sep_filter2d

SCALES = st.sampled_from((1.0, 1.0, 2.0, 0.5, 0.1, -1.0))
DELTAS = st.sampled_from((0.0, 0.0, 1.0, -7.0, 128.0))


def call_filter(image: Any, kernel: Any, ddepth: int, **options: Any) -> Any:
    """The function."""
    return with_depth(cv2.filter2D(image, ddepth, kernel, **options))


def call_separable(image: Any, kernelX: Any, kernelY: Any, ddepth: int, **options: Any) -> Any:
    """The function."""
    return with_depth(cv2.sepFilter2D(image, ddepth, kernelX, kernelY, **options))


def call_sobel(image: Any, ddepth: int, dx: int, dy: int, **options: Any) -> Any:
    """The function."""
    return with_depth(cv2.Sobel(image, ddepth, dx, dy, **options))


def call_scharr(image: Any, ddepth: int, dx: int, dy: int, **options: Any) -> Any:
    """The function."""
    return with_depth(cv2.Scharr(image, ddepth, dx, dy, **options))


def call_laplacian(image: Any, ddepth: int, **options: Any) -> Any:
    """The function."""
    return with_depth(cv2.Laplacian(image, ddepth, **options))


def call_gradient(image: Any, **options: Any) -> Any:
    """The function."""
    return dict(zip(("dx", "dy"), cv2.spatialGradient(image, **options), strict=True))


def call_canny(image: Any, threshold1: float, threshold2: float, **options: Any) -> Any:
    """The function."""
    return cv2.Canny(image, threshold1, threshold2, **options)


def kernel_of(data: Any, name: str, *sides: int) -> np.ndarray:
    """Weights: small integers, or real numbers where the image has them, in the format that the filter computes in."""
    real = is_float(data.dtype) and data.regime not in ("integers", "constant")
    weights = data.array(name, *sides, dtype=data.dtype if is_float(data.dtype) else "float32", regime="normal" if real else "integers")
    return weights if real else np.rint(weights / 2).astype(weights.dtype)


@st.composite
def filter_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Kernels of any size, asymmetric ones, even ones, ones larger than the image."""
    image = drawn_image(draw, data := draw(image_data(dtype)))
    width, height = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    arrays = {"image": image, "kernel": kernel_of(data, "kernel", height, width)}
    options = {"ddepth": draw(st.sampled_from(FILTERED[dtype])), "anchor": drawn_anchor(draw, width, height)}
    return data.case(arrays, **options, delta=draw(DELTAS), borderType=draw(BORDERS))


@st.composite
def separable_cases(draw: st.DrawFn, dtype: str) -> Case:
    """The same with a row and a column."""
    image = drawn_image(draw, data := draw(image_data(dtype)))
    width, height = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    arrays = {"image": image, "kernelX": kernel_of(data, "kernelX", width), "kernelY": kernel_of(data, "kernelY", height)}
    options = {"ddepth": draw(st.sampled_from(FILTERED[dtype])), "anchor": drawn_anchor(draw, width, height)}
    return data.case(arrays, **options, delta=draw(DELTAS), borderType=draw(BORDERS))


def derivative_cases(kind: str) -> Any:
    """Every order and size that the documentation allows, scaled and shifted."""

    @st.composite
    def cases(draw: st.DrawFn, dtype: str) -> Case:
        image = drawn_image(draw, data := draw(image_data(dtype)))
        depths = (*FILTERED[dtype], *((DEPTH["float64"],) if dtype == "float32" and kind != "laplacian" else ()))
        options = {"ddepth": draw(st.sampled_from(depths))}
        if kind == "scharr":
            options["dx"] = draw(st.integers(0, 1))
            options["dy"] = 1 - options["dx"]
        elif kind == "sobel":
            options["ksize"] = draw(st.sampled_from((3, 1, 5, 7)))
            most = 2 if options["ksize"] == 1 else min(3, options["ksize"] - 1)
            options["dx"] = draw(st.integers(0, most))
            options["dy"] = draw(st.integers(0 if options["dx"] else 1, most))
        else:
            options["ksize"] = draw(st.sampled_from((1, 3, 5)))
        return data.case({"image": image}, **options, scale=draw(SCALES), delta=draw(DELTAS), borderType=draw(BORDERS))

    return cases


@st.composite
def gradient_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Gray images at both borders that are allowed."""
    data = draw(image_data(dtype))
    return data.case({"image": drawn_image(draw, data, st.none())}, ksize=3, borderType=draw(st.sampled_from((4, 1))))


@st.composite
def canny_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Images with edges: noise, and steps; thresholds in either order, below and above every gradient."""
    image = drawn_image(draw, data := draw(image_data(dtype)), st.sampled_from((None, None, 1, 3, 4)))
    if draw(st.booleans()):  # blocks of four by four, so that there are corners and straight edges
        image = np.ascontiguousarray(np.repeat(np.repeat(image, 4, 0), 4, 1)[:24, :24])
    aperture = draw(st.sampled_from((3, 5, 7)))
    scale = {3: 1, 5: 8, 7: 64}[aperture]
    thresholds = [float(draw(st.integers(-5, 900)) * scale) for _ in range(2)]
    options = {"apertureSize": aperture, "L2gradient": draw(st.booleans())}
    return data.case({"image": image}, threshold1=thresholds[0], threshold2=thresholds[1], **options)


def one_cell_moves(trial: Trial, case: Case) -> None:
    """A kernel of one 1, wherever it lies, moves the image; at its anchor it leaves it as it is."""
    kernel = np.zeros((3, 3), np.float32)
    kernel[0, 2] = 1
    plain = case.but(kernel=kernel, anchor=(2, 0), delta=0.0, ddepth=SAME)
    assert_same(trial.run(plain)["output"].reshape(the_image(case).shape), the_image(case), "a 1 at the anchor changes the image")


def whole_is_separable(trial: Trial, case: Case) -> None:
    """On integers a row and a column filter as their product does."""
    if case.regime == "integers" and case.dtype == "uint8":
        x, y = (np.rint(np.clip(case.arrays[name].astype(float), -3, 3)) for name in ("kernelX", "kernelY"))  # type: ignore[union-attr]
        plain = case.but(kernelX=x.astype(np.float32), kernelY=y.astype(np.float32), ddepth=DEPTH["float32"])
        options = {name: value for name, value in plain.options.items() if name != "ddepth"}
        whole = cv2.filter2D(the_image(case), DEPTH["float32"], np.outer(y, x).astype(np.float32), **options)
        assert_same(trial.run(plain)["output"], whole, "a row and a column do not filter as their product")


def constant_has_no_edges(trial: Trial, case: Case) -> None:
    """A constant image has no derivative."""
    image = np.full_like(the_image(case), 7)
    plain = {name: value for name, value in {"delta": 0.0, "borderType": 1, "ddepth": SAME}.items() if name in case.options}
    for name, output in trial.run(case.but(image=image, **plain)).items():
        if name != "depth":
            assert_same(output, 0 * output, "a constant image has a derivative")


def weaker_thresholds_more_edges(trial: Trial, case: Case) -> None:
    """Lower thresholds never lose an edge."""
    many = trial.run(case.but(threshold1=-1.0, threshold2=-1.0))["output"]
    if (trial.run(case)["output"] > many).any():
        assert_same(trial.run(case)["output"], many, "a lower threshold loses an edge")


EMPTY = {"the image must not be empty": emptied}
UNKNOWN = {"the depth must be one of the five: int32": lambda case: of_type("int32")(case.but(ddepth=SAME))}
WRAPS = {"the border must not wrap": lambda case: case.but(borderType=3)}
RESULTS = {"output": "any", "depth": "any"}

Filter2D = Operation(
    name="cv2.filter2D", call=call_filter, oracle=filter2d, cases=filter_cases, shape=lambda image, kernel, **o: depth_shape(image),
    rejects={
        **EMPTY, **UNKNOWN, **WRAPS,
        "the anchor must lie in the kernel": lambda case: case.but(kernel=np.ones((2, 2), np.float32), anchor=(2, 0)),
        "a kernel has one channel": lambda case: case.but(kernel=np.ones((2, 2, 3), np.float32), anchor=(-1, -1)),
        "the depth of the result must be one that there is": lambda case: case.but(ddepth=99),
    },
    laws=(Law("a kernel of one 1 at its anchor changes nothing", one_cell_moves),), result_dtypes=RESULTS, dtypes=DEPTHS,
)  # fmt: skip
SepFilter2D = Operation(
    name="cv2.sepFilter2D", call=call_separable, oracle=sep_filter2d, cases=separable_cases,
    shape=lambda image, kernelX, kernelY, **o: depth_shape(image), rejects={**EMPTY, **UNKNOWN, **WRAPS},
    laws=(Law("a row and a column are their product", whole_is_separable),), result_dtypes=RESULTS, dtypes=DEPTHS,
)  # fmt: skip
Sobel = Operation(
    name="cv2.Sobel", call=call_sobel, oracle=sobel, cases=derivative_cases("sobel"), shape=depth_shape,
    rejects={
        **EMPTY, **UNKNOWN, **WRAPS,
        "some derivative must be asked for": lambda case: case.but(dx=0, dy=0),
        "the size must be odd": lambda case: case.but(ksize=4),
        "the order must be below the size": lambda case: case.but(ksize=3, dx=3, dy=0),
    },
    laws=(Law("a constant image has no derivative", constant_has_no_edges),), result_dtypes=RESULTS, dtypes=DEPTHS,
)  # fmt: skip
Scharr = Operation(
    name="cv2.Scharr", call=call_scharr, oracle=scharr, cases=derivative_cases("scharr"), shape=depth_shape,
    rejects={**EMPTY, **UNKNOWN, **WRAPS, "one derivative must be asked for": lambda case: case.but(dx=1, dy=1)},
    laws=(Law("a constant image has no derivative", constant_has_no_edges),), result_dtypes=RESULTS, dtypes=DEPTHS,
)  # fmt: skip
Laplacian = Operation(
    name="cv2.Laplacian", call=call_laplacian, oracle=laplacian, cases=derivative_cases("laplacian"), shape=depth_shape,
    rejects={**EMPTY, **UNKNOWN, **WRAPS, "the size must be odd": lambda case: case.but(ksize=4)},
    laws=(Law("a constant image has no derivative", constant_has_no_edges),), result_dtypes=RESULTS, dtypes=DEPTHS,
)  # fmt: skip
SpatialGradient = Operation(
    name="cv2.spatialGradient", call=call_gradient, oracle=spatial_gradient, cases=gradient_cases,
    shape=lambda image, **o: {"dx": image, "dy": image},
    rejects={
        **EMPTY,
        "the size must be three": lambda case: case.but(ksize=5),
        "the image must be gray": lambda case: case.but(image=np.stack([the_image(case)] * 3, axis=-1)),
    },
    laws=(Law("a constant image has no derivative", constant_has_no_edges),),
    result_dtypes={"dx": "int16", "dy": "int16"}, dtypes=("uint8",),
)  # fmt: skip
Canny = Operation(
    name="cv2.Canny", call=call_canny, oracle=canny, cases=canny_cases, shape=lambda image, **o: {"output": image[:2]},
    rejects={
        "the aperture must be 3, 5 or 7: not 4": lambda case: case.but(apertureSize=4),
        "the aperture must be 3, 5 or 7: not 9": lambda case: case.but(apertureSize=9),
        "the image must have 8 bits": of_type("uint16"),
    },
    laws=(Law("lower thresholds lose no edge", weaker_thresholds_more_edges),), dtypes=("uint8",), share=2.0,
)  # fmt: skip

OPERATIONS = (Filter2D, SepFilter2D, Sobel, Scharr, Laplacian, SpatialGradient, Canny)
