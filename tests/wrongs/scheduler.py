"""What is wrong on purpose in schedulers."""

from __future__ import annotations

from tests.miniatures import Miniature, fresh_state, with_options, with_result

MINIATURES = [
    Miniature("cycles do not shrink", "forward", "CyclicLR", "float64", with_options(mode="triangular")),
    Miniature("down is as long as up", "forward", "CyclicLR", "float64", with_options(step_size_down=None)),
    Miniature("a step behind", "laws", "CyclicLR", "float64", with_result("lr", lambda lr: lr.roll(1, 0) + 1e-3)),
    Miniature("what was saved is not loaded", "state", "CyclicLR", "float64", fresh_state),
]
