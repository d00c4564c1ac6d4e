"""Memory that no one has written yet, made to show: a result that is read from it is wrong in every run, not in one of many."""

from __future__ import annotations

import ctypes
from functools import cache

M_PERTURB = -6  # of glibc's malloc.h
PATTERN = 0xA5  # memory that is freed holds this byte, memory that is handed out its complement: 1.5e16 in float32, −2.9e-16


@cache
def unwritten_memory_shows() -> bool:
    """Ask the C library to fill what it hands out and takes back, as MALLOC_PERTURB_=165 does; whether it can (glibc; see mallopt(3))."""
    try:
        return bool(ctypes.CDLL(None).mallopt(M_PERTURB, PATTERN))
    except (AttributeError, OSError, TypeError):  # another C library; a system whose own cannot be opened so
        return False
