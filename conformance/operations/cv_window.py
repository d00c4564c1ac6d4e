"""Windows, on a real screen, with real keys."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.model import Case, Operation, cv2
from conformance.operations.cv_images import emptied, image_data, of_type, the_image
from oracles.cv_window import KEYS, opened, pressed, remaining, shown

NORMAL = 17  # WINDOW_AUTOSIZE | WINDOW_GUI_NORMAL: without the toolbar and the status bar
SHOWN = ("uint8", "uint16", "float32", "float64")


def pixels() -> Any:
    """The screen as B, G, R. Xvfb keeps it in a file, a header and rows of four bytes a pixel, as xwd writes them."""
    import os  # noqa: PLC0415 — the call must be complete in itself

    data = np.fromfile(os.environ["CONFORMANCE_SCREEN"], np.uint8)
    header = data[:100].view(">u4").astype(int)
    size, width, height, row, colours = header[[0, 4, 5, 12, 19]]
    rows = data[size + 12 * colours :][: height * row].reshape(height, row)
    return rows[:, : 4 * width].reshape(height, width, 4)[..., :3].copy()


def once(done: Any) -> Any:
    """The screen once `done` says of it that it is as it should be; after 4 s, or 1 s where `done` gives None, as it is."""
    import time  # noqa: PLC0415 — the call must be complete in itself

    began = time.perf_counter()
    while True:
        cv2.waitKey(10)
        now = pixels()
        answer = done(now)
        if answer or time.perf_counter() - began > (1 if answer is None else 4):
            return now


def near(now: Any, x: Any, y: Any, image: Any) -> Any:
    """Whether an image, of whatever depth, is where it should be, give or take three levels: the time to look closer."""
    scale = {"uint8": 1, "uint16": 1 / 256}.get(image.dtype.name, 255)
    levels = np.clip(np.atleast_3d(image)[..., :3].astype(float) * scale, 0, 255)
    there = now[y : y + image.shape[0], x : x + image.shape[1]]
    return there.shape[:2] == image.shape[:2] and bool((np.abs(there - levels) <= 3).all())


def show(image: Any, flags: Any, again: Any) -> Any:
    """Show an image, after another one if `again`; what is seen where the window says that it is."""
    if flags is not None:
        cv2.namedWindow("window", flags)
    if again:
        cv2.imshow("window", np.full((90, 400), 9, np.uint8))
        cv2.waitKey(30)
    cv2.imshow("window", image)

    def done(now: Any) -> Any:
        x, y, width, height = cv2.getWindowImageRect("window")
        return near(now, x, y, image) if (height, width) == image.shape[:2] else None

    now = once(done)
    x, y, width, height = cv2.getWindowImageRect("window")
    return {"output": now[y : y + height, x : x + width], "size": np.array([width, height])}


def name_window(flags: Any, twice: Any) -> Any:
    """Open a window without an image, and ask the screen for windows of its name."""
    import subprocess  # noqa: PLC0415 — the call must be complete in itself

    for _ in range(1 + twice):
        cv2.namedWindow("window", flags)
    asked, found = ["xdotool", "search", "--onlyvisible", "--name", "^window$"], ""

    def done(now: Any) -> Any:
        nonlocal found
        found = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
        return bool(found) and is_visible("window")

    once(done)
    autosize = cv2.getWindowProperty("window", cv2.WND_PROP_AUTOSIZE) == 1
    count = len(set(found.split()))
    return {"windows": np.array(count), "visible": np.array(is_visible("window")), "autosize": np.array(autosize)}


def destroy(image: Any, windows: Any, destroyed: Any) -> Any:
    """Show images side by side, destroy some windows, or all at once if it is not said which; what is left."""
    each = [np.roll(image, i, axis=0) for i in range(windows)]
    places = [(200 * i, 20) for i in range(windows)]
    for i in range(windows):
        cv2.namedWindow(str(i), NORMAL)
        cv2.imshow(str(i), each[i])
        cv2.moveWindow(str(i), *places[i])
    once(lambda now: all(near(now, *places[i], each[i]) for i in range(windows)))
    if destroyed is None:
        cv2.destroyAllWindows()
    for i in destroyed or ():
        cv2.destroyWindow(str(i))
    left = [each[i] * (destroyed is not None and i not in destroyed) for i in range(windows)]
    now = once(lambda now: all(near(now, *places[i], left[i]) for i in range(windows)))
    height, width = image.shape
    there = [is_visible(str(i)) for i in range(windows)]
    return {"output": np.stack([now[y : y + height, x : x + width] for x, y in places]), "visible": np.array(there)}


def is_visible(name: Any) -> Any:
    """Whether the library says that a window is there; where there is none at all, it may refuse to say."""
    try:
        return cv2.getWindowProperty(name, cv2.WND_PROP_VISIBLE) >= 1
    except cv2.error:
        return False


def wait(key: Any, shift: Any, delay: Any, function: str = "waitKey") -> Any:
    """Press a key while the library waits for one, after `shift` if that is held."""
    import subprocess  # noqa: PLC0415 — the call must be complete in itself
    import time  # noqa: PLC0415

    window = ["xdotool", "search", "--sync", "--onlyvisible", "--name", "^window$", "windowfocus", "--sync"]
    cv2.namedWindow("window", NORMAL)
    gray = np.full((100, 100), 128, np.uint8)
    cv2.imshow("window", gray)
    once(lambda now: near(now, *cv2.getWindowImageRect("window")[:2], gray))
    for _ in range(5):  # what the window still has to hear before it listens to keys
        cv2.waitKey(10)
    if shift:
        subprocess.run([*window, "keydown", "shift"], check=True)
        while cv2.waitKey(100) >= 0:
            pass
    presser = subprocess.Popen([*window, "key", key]) if key else None
    began = time.perf_counter()
    if function == "pollKey":
        code = cv2.pollKey()
        while key and code < 0 and time.perf_counter() - began < 10:
            code = cv2.pollKey()
    else:
        code = getattr(cv2, function)(delay)
    waited = time.perf_counter() - began
    if presser:
        presser.wait()
    if shift:
        subprocess.run(["xdotool", "keyup", "shift"], check=True)
    enough = bool(key) or function == "pollKey" or waited >= 0.95 * delay / 1000
    return {"code": np.array(code if code < 0 else code & 255), "waited": np.array(enough)}


@st.composite
def images(draw: st.DrawFn, dtype: str) -> Case:
    """Images of 1, 3 and 4 channels, floating ones from −0.2 to 1.2, of sides from a pixel to hundreds."""
    flags, again = draw(st.sampled_from((NORMAL, NORMAL, None))), draw(st.booleans())
    height = draw(st.one_of(st.integers(70, 150), st.integers(1, 100)))
    width = draw(st.one_of(st.integers(70, 150), st.integers(380, 400), st.integers(1, 100)))
    channels = draw(st.sampled_from((None, 3, 4)))
    data = draw(image_data("uint8" if "float" in dtype else dtype))
    image = data.array("image", height, width, *(() if channels is None else (channels,)))
    if "float" in dtype:
        image = (image / 182 - 0.2).astype(dtype)
    return Case({"image": image}, {"flags": flags, "again": again}, dtype, data.regime, data.seed)


@st.composite
def screens(draw: st.DrawFn, dtype: str, all_at_once: bool) -> Case:
    """Two or three windows of one size, and which of them are destroyed."""
    data, windows = draw(image_data(dtype)), draw(st.integers(2, 3))
    image = data.array("image", draw(st.integers(70, 150)), draw(st.integers(70, 150))) | 1
    destroyed = None if all_at_once else tuple(draw(st.lists(st.integers(0, windows - 1), min_size=1, max_size=windows, unique=True)))
    return data.case({"image": image}, windows=windows, destroyed=destroyed)


@st.composite
def presses(draw: st.DrawFn, dtype: str) -> Case:
    """Printable keys and the few others with a code of their own, with and without shift; or none, and a time to wait."""
    key = draw(st.one_of(st.none(), st.sampled_from(sorted(KEYS)), st.sampled_from(sorted(KEYS))))
    shift = key is not None and len(KEYS[key][1]) == 1 and draw(st.booleans())
    delay = draw(st.sampled_from((1, 20, 100, 150) if key is None else (0, -1, 5000)))
    return Case({}, {"key": key, "shift": shift, "delay": delay}, dtype)


def namings(dtype: str) -> st.SearchStrategy[Case]:
    """A window to be resized or not, with and without the toolbar, named once or twice."""
    return st.builds(lambda flags, twice: Case({}, {"flags": flags, "twice": twice}, dtype), st.sampled_from((1, 0, 16, 17)), st.booleans())


Imshow = Operation(
    name="cv2.imshow",
    call=show,
    oracle=shown,
    cases=images,
    plain=("image",),
    result_dtypes={"output": "uint8", "size": "any"},
    rejects={
        "the image must not be empty": emptied,
        "there must be one, three or four channels": lambda case: case.but(image=np.repeat(the_image(case).reshape(1, -1, 1), 2, axis=2)),
        "32-bit integers are not shown": of_type("int32"),
    },
    dtypes=SHOWN,
    needs="display",
    share=0.06,
)
NamedWindow = Operation(
    name="cv2.namedWindow",
    call=name_window,
    oracle=opened,
    cases=namings,
    result_dtypes={"windows": "any", "visible": "bool", "autosize": "bool"},
    takes_arrays=False,
    dtypes=("uint8",),
    needs="display",
    share=0.06,
)
DestroyWindow = Operation(
    name="cv2.destroyWindow",
    call=destroy,
    oracle=remaining,
    cases=partial(screens, all_at_once=False),
    plain=("image",),
    result_dtypes={"output": "uint8", "visible": "bool"},
    dtypes=("uint8",),
    needs="display",
    share=0.06,
)
DestroyAllWindows = replace(DestroyWindow, name="cv2.destroyAllWindows", cases=partial(screens, all_at_once=True))
WaitKey = Operation(
    name="cv2.waitKey",
    call=wait,
    oracle=pressed,
    cases=presses,
    result_dtypes={"code": "any", "waited": "bool"},
    takes_arrays=False,
    dtypes=("uint8",),
    needs="display",
    share=0.12,
)
WaitKeyEx = replace(WaitKey, name="cv2.waitKeyEx", call=partial(wait, function="waitKeyEx"))
PollKey = replace(WaitKey, name="cv2.pollKey", call=partial(wait, function="pollKey"))

OPERATIONS = (Imshow, NamedWindow, DestroyWindow, DestroyAllWindows, WaitKey, WaitKeyEx, PollKey)
