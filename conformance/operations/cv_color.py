"""Colours: channels, gray, luma and chroma, tristimulus values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import Case, Law, Operation, cv2
from conformance.operations.cv_images import SIDES, emptied, of_type, the_image, with_channels
from conformance.operations.laws import assert_same
from conformance.strategies import FLOAT_REGIMES, Data, data_of, is_float
from oracles.cv_color import bgr_to_gray, bgr_to_xyz, bgr_to_ycc, gray_to_bgr, hinted, swap_channels, xyz_to_bgr, ycc_to_bgr

THREE_DEPTHS = ("uint8", "uint16", "float32")
INTEGERS = ("integers", "extremes", "ramp", "constant")
HINTS = (None, None, "ACCURATE", None, None, "DEFAULT", None, "ACCURATE", "APPROX")
BACK = "back to B, G, R"  # a code that ends there may be asked for an alpha


def call(image: Any, code: str, dstCn: int, hint: Any = None, dst: Any = None) -> Any:
    """The function, its code and its hint by name."""
    hinted = {} if hint is None else {"hint": getattr(cv2, f"ALGO_HINT_{hint}")}
    return cv2.cvtColor(image, getattr(cv2, f"COLOR_{code}"), dst=dst, dstCn=dstCn, **hinted)


def in_place(image: Any, code: str, dstCn: int, hint: Any = None) -> Any:
    """The same, over the image where the result has its shape."""
    return call(image, code, dstCn, hint, dst=image)


def channels_of(code: str, dstCn: int) -> int:
    """How many channels the result has."""
    target = code.partition("2")[2]
    return 1 if target == "GRAY" else 4 if target.endswith("A") or dstCn == 4 else 3


def shape(image: Any, code: str, dstCn: int, hint: Any = None) -> dict[str, Any]:
    """As the image, with the channels of the code; one channel has no axis of its own."""
    channels = channels_of(code, dstCn)
    return {"output": image[:2] if channels == 1 else (*image[:2], channels)}


def as_they_are(image: np.ndarray, case: Case) -> np.ndarray:
    """Numbers of every size."""
    return image


def unit(x: np.ndarray) -> np.ndarray:
    """Numbers of any size as some of 0 … 1: small ones and those that are none stay, of large ones what is behind the point."""
    size = np.abs(x)
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(x) & (size > 1), size - np.floor(size), np.where(np.isnan(x), x, size)).astype(x.dtype)


def colours(image: np.ndarray, case: Case) -> np.ndarray:
    """The numbers of a case as channels of 0 … 1; integers as eighths, so that many are equal."""
    if not is_float(case.dtype):
        return image
    return unit(image / np.array(8, image.dtype) if case.regime in ("integers", "constant") else image)


def drawn(draw: st.DrawFn, dtype: str) -> Data:
    """Data with NaN and infinities where there are any."""
    return draw(data_of(dtype, FLOAT_REGIMES if is_float(dtype) else INTEGERS))


def hint_of(data: Data) -> str | None:
    """By the seed, mostly none, or an AlgorithmHint where the installed version has them."""
    return HINTS[data.seed % len(HINTS)] if hasattr(cv2, "ALGO_HINT_DEFAULT") else None


def channels_into(code: str) -> tuple[int | None, ...]:
    """How many channels an image may have for a code; None for no axis of channels."""
    source, _, target = code.partition("2")
    if source == "GRAY":
        return (None, None, 1)
    if source in ("BGRA", "RGBA"):
        return (4,)
    return (3, 3, 4) if source.removeprefix("L") in ("BGR", "RGB") and target not in ("BGRA", "RGBA") else (3,)


def cases_of(
    codes: tuple[str, ...], numbers: Callable[[np.ndarray, Case], np.ndarray] = as_they_are, alpha: bool = False, gray: bool = False
) -> Callable[[str], st.SearchStrategy[Case]]:
    """Images in every code; `numbers` makes of any numbers what the code takes; `alpha`: one may be asked for; `gray`: one channel too."""

    @st.composite
    def cases(draw: st.DrawFn, dtype: str) -> Case:
        data, code = drawn(draw, dtype), draw(st.sampled_from(codes))
        channels = draw(st.sampled_from(channels_into(code) + ((None,) if gray else ())))
        image = data.array("image", draw(SIDES), draw(SIDES), *(() if channels is None else (channels,)))
        case = data.case({"image": image}, code=code, dstCn=draw(st.sampled_from((0, 0, 3, 4) if alpha else (0,))), hint=hint_of(data))
        return case.but(image=numbers(image, case))

    return cases


def rejects(taken: tuple[int, ...], depths: tuple[str, ...] = (), alpha: bool = False) -> dict[str, Callable[[Case], Case | None]]:
    """What every conversion refuses: other channels than those taken, other depths, no pixel, a code that there is not."""
    words = {1: "one channel", 2: "two channels", 3: "three channels", 4: "four channels", 5: "five channels"}
    wrong = [count for count in (1, 2, 5) if count not in taken] + ([3] if taken == (1,) else [])
    found: dict[str, Callable[[Case], Case | None]] = {
        f"the code does not take an image of {words[count]}": with_channels(None if count == 1 else count) for count in wrong
    }
    for depth in ("int16", "float64", *depths):
        found[f"the depth must be one that the code takes: {depth}"] = of_type(depth)
    if alpha:
        found["colours have three or four channels: not two"] = lambda case: case.but(dstCn=2)
    return {**found, "the image must not be empty": emptied}


def exchanged(code: str) -> str:
    """The code with R, G, B for B, G, R, and the other way round."""
    return code.replace("BGR", "?").replace("RGB", "BGR").replace("?", "RGB")


def other_order(case: Case) -> Case:
    """The same colours in the other order, and the code that says so."""
    code, image = case.options["code"], the_image(case)
    source = code.partition("2")[0].removeprefix("L")
    turned = image.ndim == 3 and source[:3] in ("BGR", "RGB")
    return case.but(code=exchanged(code), image=image[..., [2, 1, 0, 3][: image.shape[2]]] if turned else image)


def order_is_a_name(trial: Trial, case: Case) -> None:
    """R, G, B and B, G, R are the same colours."""
    ahead, back = trial.run(case)["output"], trial.run(other_order(case))["output"]
    target = case.options["code"].partition("2")[2].removeprefix("L")
    back = back[..., [2, 1, 0, 3][: back.shape[-1]]] if target[:3] in ("BGR", "RGB") else back
    assert_same(back, ahead, "the other order of channels changes the result")


def each_pixel_alone(trial: Trial, case: Case) -> None:
    """A colour is the same wherever it lies in the image."""
    turned = trial.run(case.but(image=np.ascontiguousarray(the_image(case)[::-1, ::-1])))["output"]
    assert_same(turned[::-1, ::-1], trial.run(case)["output"], "a pixel depends on where it lies")


def not_approximate(law: Law) -> Law:
    """A law, asked of the accurate algorithm where an approximate one was drawn, of which it need not hold."""
    return Law(law.name, lambda trial, case: law.check(trial, case.but(hint="ACCURATE") if case.options.get("hint") == "APPROX" else case))


ALONE, ORDER = Law("pixels do not depend on where they lie", each_pixel_alone), Law("the order of channels is a name", order_is_a_name)


def gray_stays(trial: Trial, case: Case) -> None:
    """R = G = B = Y."""
    gray = np.repeat(the_image(case)[..., :1], the_image(case).shape[2], axis=2)
    assert_same(trial.run(case.but(image=gray))["output"], gray[..., 0], "a gray image does not stay as it is")


def alpha_is_dropped(trial: Trial, case: Case) -> None:
    """A fourth channel changes nothing."""
    three = np.ascontiguousarray(the_image(case)[..., :3])
    four = np.concatenate([three, three[..., :1]], axis=2)
    wide = case.options["code"].replace("A2", "2").replace("2", "A2")
    result = trial.run(case.but(image=three, code=wide.replace("A2", "2")))["output"]
    assert_same(trial.run(case.but(image=four, code=wide))["output"], result, "alpha changes the result")


def both_orders(*codes: str) -> tuple[str, ...]:
    """Codes in either order of channels."""
    return tuple(order for code in codes for order in (code, exchanged(code)))


def conversion(variant: str, oracle: Any, cases: Any, rejected: Any, laws: tuple[Law, ...], depths: tuple[str, ...]) -> Operation:
    """One family of codes."""
    return Operation(
        name="cv2.cvtColor", variant=variant, call=call, in_place=in_place, oracle=hinted(oracle), cases=cases, shape=shape,
        rejects=rejected, laws=tuple(map(not_approximate, laws)), dtypes=depths,
    )  # fmt: skip


SWAPS = both_orders("BGR2RGB", "BGR2BGRA", "BGRA2BGR", "BGR2RGBA", "RGBA2BGR", "BGRA2RGBA")
BGR2RGB = conversion("BGR2RGB", swap_channels, cases_of(SWAPS, gray=True), rejects((1, 3, 4)), (ALONE, ORDER), THREE_DEPTHS)
BGR2GRAY = conversion(
    "BGR2GRAY", bgr_to_gray, cases_of(both_orders("BGR2GRAY", "BGRA2GRAY")), rejects((3, 4)),
    (ALONE, ORDER, Law("gray stays", gray_stays), Law("alpha is dropped", alpha_is_dropped)), THREE_DEPTHS,
)  # fmt: skip
GRAY2BGR = conversion("GRAY2BGR", gray_to_bgr, cases_of(both_orders("GRAY2BGR", "GRAY2BGRA")), rejects((1,)), (ALONE, ORDER), THREE_DEPTHS)
BGR2YCrCb = conversion(
    "BGR2YCrCb", bgr_to_ycc, cases_of(both_orders("BGR2YCrCb", "BGR2YUV")), rejects((3, 4)), (ALONE, ORDER), THREE_DEPTHS
)
YCrCb2BGR = conversion(
    "YCrCb2BGR", ycc_to_bgr, cases_of(both_orders("YCrCb2BGR", "YUV2BGR"), alpha=True), rejects((3,), alpha=True), (ALONE, ORDER),
    THREE_DEPTHS,
)  # fmt: skip
BGR2XYZ = conversion("BGR2XYZ", bgr_to_xyz, cases_of(both_orders("BGR2XYZ")), rejects((3, 4)), (ALONE, ORDER), THREE_DEPTHS)
XYZ2BGR = conversion(
    "XYZ2BGR", xyz_to_bgr, cases_of(both_orders("XYZ2BGR"), alpha=True), rejects((3,), alpha=True), (ALONE, ORDER), THREE_DEPTHS
)

OPERATIONS = (BGR2RGB, BGR2GRAY, GRAY2BGR, BGR2YCrCb, YCrCb2BGR, BGR2XYZ, XYZ2BGR)
