"""What an output sees of the input is the formula's receptive field: the set of inputs that its gradient reaches."""

import functools

import numpy as np

from conformance.harness import for_every_case
from conformance.judgement import Disagreement
from conformance.model import Backend, Case, Operation


def has_reach(operation: Operation, backend: Backend) -> str | None:
    """Pairs with a receptive field and a backend that differentiates."""
    if operation.reach is None:
        return "the operation has no receptive field"
    return None if hasattr(backend, "pullback") else "the backend has no gradients"


@for_every_case(applies=has_reach)
def test_receptive_field(operation: Operation, case: Case, backend: Backend) -> None:
    """The gradient of an output, drawn by the case's seed, reaches the cells of the set, which lie where size, jump and start say."""
    assert operation.reach is not None
    probe, sights = operation.reach(case)
    shape, rng = backend.run(operation, probe)["output"].shape, np.random.default_rng(case.seed)
    at = tuple(int(rng.integers(side)) for side in shape[2:])
    dy = np.zeros(shape, case.dtype)
    dy[(slice(None), slice(None), *at)] = 1
    dx = backend.pullback(operation, probe, dy)["x"]  # type: ignore[attr-defined]
    own = np.einsum("jcj->jc", dx.reshape(len(dx), dx.shape[1], -1)).any(axis=1)  # sample j's gradient at its own pixel
    reached = own.reshape(dx.shape[2:])
    rows = [cells[i] for (_, cells), i in zip(sights, at, strict=True)]
    if not (reached == functools.reduce(np.multiply.outer, rows)).all():
        wanted = [np.flatnonzero(row).tolist() for row in rows]
        raise Disagreement(f"the gradient of output {at} reaches {np.argwhere(reached).tolist()}, the formula gives {wanted}")
    for axis, ((formula, _), i) in enumerate(zip(sights, at, strict=True)):
        seen = np.flatnonzero(np.moveaxis(reached, axis, 0).reshape(reached.shape[axis], -1).any(axis=1))
        if seen.size and not {int(seen[0]), int(seen[-1])} <= set(formula.sees(i)):
            raise Disagreement(f"the gradient of output {at} reaches {seen.tolist()}, outside of {formula}")
