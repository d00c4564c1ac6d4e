"""Files that are accepted or refused as a whole."""

from __future__ import annotations

from typing import Any

import numpy as np


class WholeFile:
    """Files (bytes) that hold an image, written with the `parameters` of imwrite: keys and values in turn.

    A format says what `kind` of file that is, and in `look` what is wrong with one.
    """

    kind: str

    def __init__(self, image: np.ndarray, parameters: tuple[int, ...], file: np.ndarray) -> None:
        self.shape, self.free = file.shape, np.zeros(file.shape, bool)
        self.image, self.asked, self.complaint = image, dict(zip(parameters[::2], parameters[1::2], strict=True)), ""

    def look(self, file: np.ndarray) -> str:
        """What is wrong with a file, in a few words."""
        raise NotImplementedError

    def accepts(self, file: Any) -> np.ndarray:
        """All of the file or nothing."""
        self.complaint = self.look(file)
        return np.full(self.shape, not self.complaint)

    def used(self, file: Any) -> np.ndarray:
        """No share of an error: the file is judged as a whole."""
        return np.zeros(self.shape)

    def describe(self, index: Any = ()) -> str:
        """In words."""
        return f"any byte of {self.kind}" + (f" ({self.complaint})" if self.complaint else "")
