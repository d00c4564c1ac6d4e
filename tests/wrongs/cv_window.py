"""What is wrong on purpose in windows and keys; nothing here opens one before it is called."""

from __future__ import annotations

import os
from typing import Any

import cv2
import numpy as np

from tests.miniatures import Call, Miniature, never_refuses, with_inputs, with_options, with_output, with_result


def aborts(call: Call) -> Call:
    """A build without a display ends the process."""
    return lambda **arguments: os.abort()


def raises_itself(call: Call) -> Call:
    """Destroyed windows come back."""

    def wrong(**arguments: Any) -> Any:
        results = call(**arguments)
        return {**results, "output": np.maximum(results["output"], 1)}

    return wrong


def scan_codes(call: Call) -> Call:
    """Keys have the numbers of their places on the keyboard."""
    return with_result("code", lambda code: np.where(code < 0, code, code ^ 64))(call)


def never_waits(call: Call) -> Call:
    """Time is up at once, or a key that is not there is seen."""
    return lambda **arguments: {**call(**arguments), "waited": np.array(False), "code": np.array(255)}


def other_name(call: Call) -> Call:
    """The window has another title."""

    def wrong(**arguments: Any) -> Any:
        original = cv2.namedWindow
        try:
            cv2.namedWindow = lambda name, flags: original("other " + name, flags)
            return call(**arguments)
        finally:
            cv2.namedWindow = original

    return wrong


MINIATURES = [
    Miniature("red and blue are exchanged", "forward", "imshow", "uint8", with_output(lambda y: y[..., ::-1] ^ 1)),
    Miniature("floating numbers are levels", "forward", "imshow", "float32", with_inputs(lambda a: {**a, "image": a["image"] / 255})),
    Miniature("the process is aborted", "forward", "imshow", "float64", aborts),
    Miniature("nothing is refused", "rejects", "imshow", "uint8", never_refuses),
    Miniature("of another size", "layout", "imshow", "uint8", with_result("size", lambda size: size + 1)),
    Miniature("of another name", "forward", "namedWindow", "uint8", other_name),
    Miniature("always to be resized", "forward", "namedWindow", "uint8", with_result("autosize", np.logical_not)),
    Miniature("the first one is left", "forward", "destroyAllWindows", "uint8", with_options(destroyed=(1, 2))),
    Miniature("what is destroyed is seen", "forward", "destroyWindow", "uint8", raises_itself),
    Miniature("codes of places", "forward", "waitKey", "uint8", scan_codes),
    Miniature("nothing is waited for", "forward", "waitKeyEx", "uint8", never_waits),
    Miniature("no key is seen", "forward", "pollKey", "uint8", with_result("code", lambda code: np.where(code < 0, 0, -1))),
]
