"""The suite on trial: each property kills its miniatures, and spares the honest backend."""

import pytest

from conformance import backends
from conformance.__main__ import properties
from conformance.backends import screen
from conformance.grid import Grid, Pair
from conformance.harness import search
from conformance.known import KnownFailure
from conformance.operations import all_operations
from tests.miniatures import Altered, in_bfloat16
from tests.wrongs import MINIATURES

PROPERTIES = {declared.name: declared for declared in properties().values()}
OPERATIONS = {operation.id: operation for operation in all_operations()}
DEV = 25


class SetAside(KnownFailure):
    """A known failure whose cases are set aside for a backend that is wrong in another way: its witness may well pass there."""

    def still_fails(self, attempt):
        return True


def honest(operation):
    """The backend of an operation's library."""
    return backends.form("opencv" if operation.library == "cv2" else "cpu")


FORMED = [m for m in MINIATURES if OPERATIONS[m.operation].needs != "display" or screen.missing() is None]


@pytest.mark.parametrize("miniature", FORMED, ids=lambda m: f"{m.operation}-{m.property}-{m.wrong.replace(' ', '_')}")
def test_a_property_kills_its_miniature_and_spares_the_honest_backend(miniature):
    operation, declared = OPERATIONS[miniature.operation], PROPERTIES[miniature.property]
    backend = honest(operation)
    known = Grid((backend.name,)).entries(declared, Pair(operation, miniature.dtype, backend))
    aside = [SetAside(**vars(entry)) for entry in known]
    altered = Altered(backend, miniature.alter)
    for seed in (0, 1):
        wrong = search(declared, operation, miniature.dtype, altered, examples=DEV, seed=seed, known=aside, shrink=False)
        assert wrong.outcome == "failed", f"seed {seed}: {wrong}"
        assert wrong.message
    right = search(declared, operation, miniature.dtype, backend, examples=DEV, seed=0, known=known)
    assert right.outcome in ("passed", "known"), right.message


def test_every_property_has_a_miniature():
    assert {miniature.property for miniature in MINIATURES} == set(PROPERTIES)


def test_every_family_has_a_miniature_or_computes_in_bfloat16():
    having = {OPERATIONS[miniature.operation].call.__module__ for miniature in MINIATURES}
    floating = {operation.call.__module__ for operation in FLOATING}
    assert {operation.call.__module__ for operation in OPERATIONS.values()} <= having | floating


FLOATING = [operation for operation in OPERATIONS.values() if "float32" in operation.dtypes and operation.library == "torch"]


@pytest.mark.parametrize("operation", FLOATING, ids=repr)
def test_float32_computed_in_bfloat16_dies_in_every_operation(operation):
    verdict = search(
        PROPERTIES["forward"], operation, "float32", Altered(honest(operation), in_bfloat16), examples=DEV, seed=0, shrink=False
    )
    assert verdict.outcome == "failed", verdict
