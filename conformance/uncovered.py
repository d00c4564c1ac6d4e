"""Which public names of the mission have no operation, and why: what a new torch or OpenCV brings is seen here."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

from conformance.model import cv2, torch
from conformance.operations import all_operations

TO_COME = "no operation yet"
MISSION_CV2 = (
    "imread",
    "imwrite",
    "imdecode",
    "imencode",
    "imshow",
    "waitKey",
    "waitKeyEx",
    "pollKey",
    "namedWindow",
    "destroyWindow",
    "destroyAllWindows",
    "cvtColor",
    "blur",
    "boxFilter",
    "sqrBoxFilter",
    "filter2D",
    "sepFilter2D",
    "GaussianBlur",
    "medianBlur",
    "bilateralFilter",
    "erode",
    "dilate",
    "morphologyEx",
    "getStructuringElement",
    "Sobel",
    "Scharr",
    "Laplacian",
    "spatialGradient",
    "Canny",
    "equalizeHist",
    "calcHist",
    "createCLAHE",
    "threshold",
    "LUT",
    "resize",
    "pyrDown",
    "pyrUp",
)
SET_ASIDE = (  # (pattern of public names, why there will be no operation)
    (
        r"torch\.nn\.(Module|Sequential|ModuleList|ModuleDict|ParameterList|ParameterDict|Container|Parameter|Buffer)",
        "a container: it computes nothing",
    ),
    (r"torch\.nn\.(DataParallel|SyncBatchNorm)", "needs several devices"),
    (r"torch\.nn\.Uninitialized\w+", "a placeholder: it computes nothing"),
    (r"torch\.nn\.Lazy\w+", "its layer, with the sizes found at the first call"),
    (r"torch\.nn\.NLLLoss2d", "another name of NLLLoss, deprecated"),
    (r"torch\.nn\.(RNN|LSTM|GRU)\w*", "recurrent: not in the mission"),
    (r"torch\.nn\.Transformer\w*", "a model built of covered layers: not in the mission"),
    (r"torch\.nn\.Identity", "computes nothing"),
    (r"torch\.optim\.Optimizer", "the base class of optimizers"),
    (r"torch\.optim\.lr_scheduler\.(LRScheduler|_LRScheduler)", "the base class of schedulers"),
)


def public_names() -> Iterator[str]:
    """Every public class of torch.nn, torch.optim and torch.optim.lr_scheduler, every cv2 function of the mission, where installed."""
    try:
        torch_modules = {
            "torch.nn": torch.nn,
            "torch.optim": torch.optim,
            "torch.optim.lr_scheduler": torch.optim.lr_scheduler,
        }
    except ModuleNotFoundError:
        torch_modules = {}
    for prefix, module in torch_modules.items():
        base = module.Module if prefix == "torch.nn" else module.LRScheduler if prefix.endswith("scheduler") else module.Optimizer
        for name in sorted(vars(module)):
            found = getattr(module, name)
            if inspect.isclass(found) and not name.startswith("_") and (issubclass(found, base) or name == "ReduceLROnPlateau"):
                yield f"{prefix}.{name}"
    try:
        yield from sorted(f"cv2.{name}" for name in MISSION_CV2 if hasattr(cv2, name))
    except ModuleNotFoundError:
        return


def uncovered() -> dict[str, str]:
    """The public names without an operation, each with the reason."""
    covered = {operation.name for operation in all_operations()}
    return {name: _reason(name) for name in public_names() if name not in covered}


def _reason(name: str) -> str:
    return next((reason for pattern, reason in SET_ASIDE if re.fullmatch(pattern, name)), TO_COME)
