"""The processor, as far as oneDNN's kernels depend on it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from conformance.model import torch

# What oneDNN uses below a ceiling, by the ceiling's name (oneDNN's documentation, "CPU dispatcher control"); measured, oneDNN 3.12.
CEILINGS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("sse41", "avx", "avx2", "avx2_vnni", "avx2_vnni_2"), ()),
    **dict.fromkeys(("avx512_core", "avx512_core_vnni"), ("avx512",)),
    "avx512_core_bf16": ("avx512", "avx512_bf16"),
    **dict.fromkeys(("avx512_core_fp16", "avx10_1_512"), ("avx512", "avx512_bf16", "avx512_fp16")),
}


def _supported(name: str) -> bool:
    """Whether the processor has a set of instructions: as torch says, or, before it could be asked, as the kernel of Linux does."""
    ask = getattr(torch.cpu, f"_is_{name}_supported", None)
    return bool(ask()) if ask else any(flag.startswith(name) for flag in _flags())


@cache
def _flags() -> frozenset[str]:
    """The processor's flags in /proc/cpuinfo; none elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line for line in lines if line.startswith("flags")), "").split())


def onednn_instructions() -> Mapping[str, str]:
    """Whether oneDNN may use sets of instructions here, “yes” or “no”: those of the processor, up to what ONEDNN_MAX_CPU_ISA admits."""
    highest = os.environ.get("ONEDNN_MAX_CPU_ISA", os.environ.get("DNNL_MAX_CPU_ISA", "")).lower()
    has = {name: _supported(name) for name in ("avx512", "avx512_bf16")}
    ask = getattr(torch.ops.mkldnn, "_is_mkldnn_fp16_supported", None)
    has["avx512_fp16"] = bool(has["avx512"] and ask and ask())
    has["amx"] = _supported("amx_tile")
    return {name: "yes" if supported and name in CEILINGS.get(highest, has) else "no" for name, supported in has.items()}
