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


class Holds(WholeFile):
    """Files (bytes) in which our reader finds the samples of an image: gray, or B, G, R, and alpha."""

    def samples(self, file: bytes) -> np.ndarray:
        """Gray, or R, G, B, and alpha (H, W, channels), that a file holds; ValueError where it is not what it must be."""
        raise NotImplementedError

    def look(self, file: np.ndarray) -> str:
        """What is wrong with a file, in a few words."""
        try:
            found = self.samples(np.asarray(file).tobytes())
        except ValueError as error:
            return str(error)
        image = self.image.reshape(*self.image.shape[:2], -1)
        order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[image.shape[2]]
        if found.shape != image.shape or found.dtype != image.dtype:
            return f"it holds {found.dtype} samples {found.shape}"
        differ = (found != image[..., order]) & ~(np.isnan(found) & np.isnan(image[..., order]))
        return f"the pixel {np.argwhere(differ)[0].tolist()} differs" if differ.any() else ""
