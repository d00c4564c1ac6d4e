"""Laws that several image operations keep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.judgement import Disagreement, Trial, set_aside
from conformance.model import Case, Law
from conformance.operations.cv_images import the_image
from conformance.operations.laws import assert_same


def is_whole(case: Case) -> bool:
    """Whether the image holds integers."""
    return bool(np.issubdtype(the_image(case).dtype, np.integer))


def constant_stays(trial: Trial, case: Case) -> None:
    """A constant image of integers stays constant, of that value; at a constant border it need not."""
    if case.options.get("borderType", 4) & 15 and is_whole(case):
        image = np.full_like(the_image(case), the_image(case).flat[0])
        output = trial.run(case.but(image=image))["output"]
        assert_same(output, np.full_like(output, image.flat[0]), "a constant image does not stay constant")


def channels_are_apart(trial: Trial, case: Case) -> None:
    """Each channel of integers is treated as if it were alone; a single one may lose its axis."""
    image = the_image(case)
    if image.ndim == 3 and is_whole(case):
        alone = [trial.run(case.but(image=np.ascontiguousarray(image[..., c])))["output"] for c in range(image.shape[2])]
        apart = np.stack(alone, axis=2)
        assert_same(trial.run(case)["output"].reshape(apart.shape), apart, "channels do not stay apart")


def destination_is_written(trial: Trial, case: Case) -> None:
    """A destination of the right shape and depth is what comes back, and holds the result."""
    call = trial.operation.call

    def into(**arguments: Any) -> Any:
        destination = np.full_like(call(**arguments), 7)
        if call(**arguments, dst=destination) is not destination:
            raise Disagreement("a destination that fits is not what comes back", result="output")
        return destination

    written = Trial(replace(trial.operation, call=into), trial.backend).run(case)["output"]
    assert_same(written, trial.run(case)["output"], "the destination does not hold the result")


CONSTANT_STAYS = Law("a constant image stays", constant_stays)
CHANNELS_APART = Law("channels stay apart", channels_are_apart)
DESTINATION = Law("a destination that is given is written", destination_is_written)


def turned(swap: Callable[[Case], Case | None]) -> Law:
    """Rows are treated as columns are; `swap` exchanges the options of the two axes, or says None where they have no exchange."""

    def check(trial: Trial, case: Case) -> None:
        swapped = swap(case)
        if is_whole(case) and swapped is not None:
            on_its_side = swapped.but(image=np.ascontiguousarray(the_image(case).swapaxes(0, 1)))
            if set_aside(on_its_side):
                return
            output = trial.run(on_its_side)["output"]
            assert_same(output.swapaxes(0, 1), trial.run(case)["output"], "the image on its side gives another result")

    return Law("the image on its side gives the result on its side", check)
