"""The orientation of a photograph, as cameras note it, and the image turned upright.

Source: CIPA DC-008, *Exchangeable image file format for digital still cameras: Exif*, 4.6.4 A, tag 274 (Orientation); TIFF 6.0, section 2.
"""

from __future__ import annotations

import struct
from typing import Any

ORIENTATION, SHORT = 0x0112, 3
MARK = {"<": b"II", ">": b"MM"}


def orientation_block(orientation: int, order: str) -> bytes:
    """A directory of one entry, the orientation, in a byte order: "<" or ">"."""
    entry = struct.pack(f"{order}HHIHH", ORIENTATION, SHORT, 1, orientation, 0)
    return MARK[order] + struct.pack(f"{order}HIH", 42, 8, 1) + entry + struct.pack(f"{order}I", 0)


def orientation_of(block: bytes) -> int:
    """The orientation that a block of that form notes; 1, upright, where there is none."""
    if not block:
        return 1
    order = next(order for order, mark in MARK.items() if block.startswith(mark))
    (first,) = struct.unpack(f"{order}I", block[4:8])
    (count,) = struct.unpack(f"{order}H", block[first : first + 2])
    for i in range(count):
        tag, _, _, value = struct.unpack(f"{order}HHIH", block[first + 2 + 12 * i :][:10])
        if tag == ORIENTATION:
            return int(value)
    return 1


def upright(image: Any, orientation: int) -> Any:
    """An image (H, W, …) whose first row and column lie where the orientation says, turned so that they are top and left.

    1 top left, 2 top right, 3 bottom right, 4 bottom left, 5 left top, 6 right top, 7 right bottom, 8 left bottom; any other: as it is.
    """
    if orientation in (5, 6, 7, 8):
        image = image.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    return image[::-1] if orientation in (3, 4, 7, 8) else image
