"""Subjects on trial: one adapter a file and, beside it, its known failures."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from conformance.model import Backend, torch

NAMED = {
    "cpu": "torch_eager",
    "cuda": "torch_cuda",
    "cuda_tf32": "torch_cuda",
    "cuda_fp16_reduced": "torch_cuda",
    "cuda_bf16_reduced": "torch_cuda",
    "cuda_fp16_accumulated": "torch_cuda",
    "cuda_deterministic": "torch_cuda",
    "cuda_benchmark": "torch_cuda",
    "inductor": "torch_compile",
    "inductor_cuda": "torch_compile",
    "onnxruntime": "onnxruntime",
    "openvino": "openvino",
    "torchax": "torchax",
    "opencv": "opencv",
    "opencv_plain": "opencv_plain",
    "opencv_opencl": "opencv_opencl",
}
DEFAULT = ("cpu", "cuda", "opencv")  # the others are further ways to run what one of these runs, and are asked for by name
NEEDED = ("name", "library", "refusals", "arithmetic", "run")
FORBIDDEN = "-[]/ "


class NoSuchBackend(ValueError):
    """A backend that cannot be formed; the message says in one sentence what is missing."""


def available() -> dict[str, str | None]:
    """Every backend that has a name of its own, with the reason why it cannot be formed here, or None where it can."""
    return {name: missing(name) for name in NAMED}


def default() -> tuple[str, ...]:
    """The backends of a run that names none: those of `DEFAULT` that can be formed here."""
    return tuple(name for name in DEFAULT if missing(name) is None)


def missing(name: str) -> str | None:
    """Why a named backend cannot be formed here, or None where it can."""
    library = "cv2" if name.startswith("opencv") else "torch"
    if importlib.util.find_spec(library) is None:
        return f"{library} is not installed"
    reason_of = getattr(_adapter(name), "device_reason", None)
    return reason_of(name) if reason_of else None


def form(name: str) -> Backend:
    """The backend of a name: one of `NAMED`, a device that the installed torch knows, or `module:attribute`.

    Raises NoSuchBackend where it cannot be formed.
    """
    if name in NAMED:
        reason = missing(name)
        if reason:
            raise NoSuchBackend(f"the backend {name!r} cannot be formed here: {reason}")
        formed: Backend = _adapter(name).form(name)
        return formed
    if importlib.util.find_spec("torch") is not None and _is_device(name):
        adapter = _adapter("cuda" if torch.device(name).type == "cuda" else "cpu")
        reason = adapter.device_reason(name)
        if reason:
            raise NoSuchBackend(f"the torch device {name!r} cannot be used here: {reason}")
        on_device: Backend = adapter.form(name)
        return on_device
    if ":" in name:
        return _imported(name)
    raise NoSuchBackend(
        f"unknown backend {name!r}: it is none of {', '.join(NAMED)}, no device of the installed torch, and no module:attribute"
    )


def _adapter(name: str) -> Any:
    return importlib.import_module(f"conformance.backends.{NAMED[name]}")


def _is_device(name: str) -> bool:
    try:
        torch.device(name)
    except RuntimeError:
        return False
    return True


def _imported(name: str) -> Backend:
    """A backend from outside: the attribute itself, or what it returns when it is called without arguments."""
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        raise NoSuchBackend(f"the backend {name!r} cannot be imported: {error}") from error
    except AttributeError as error:
        raise NoSuchBackend(f"the module {module!r} has no attribute {attribute!r}") from error
    try:
        backend: Backend = found() if isinstance(found, type) or (callable(found) and not hasattr(found, "run")) else found
    except Exception as error:  # whatever a stranger's constructor raises
        raise NoSuchBackend(f"the backend {name!r} cannot be formed: {type(error).__name__}: {error}") from error
    lacking = [needed for needed in NEEDED if not hasattr(backend, needed)]
    if lacking:
        raise NoSuchBackend(f"{name!r} is not a backend: it has no {lacking[0]!r} (see conformance/README.md)")
    if not backend.name or any(character in FORBIDDEN for character in backend.name):
        raise NoSuchBackend(f"{name!r} is called {backend.name!r}: a backend's name is a part of test ids and holds none of “{FORBIDDEN}”")
    return backend
