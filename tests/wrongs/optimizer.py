"""What is wrong on purpose in optimizers."""

from __future__ import annotations

from tests.miniatures import Miniature, fresh_state, with_options

MINIATURES = [
    Miniature("dampening is ignored", "forward", "SGD", "float32", with_options(dampening=0.0)),
    Miniature("nesterov is ignored", "forward", "SGD", "float64", with_options(nesterov=False)),
    Miniature("weight decay is ignored", "forward", "SGD", "float32", with_options(weight_decay=0.0)),
    Miniature("the second group has the first one's rate", "forward", "SGD", "float32", with_options(second_lr=None)),
    Miniature("what was saved is not loaded", "state", "SGD", "float32", fresh_state),
    Miniature("minimize is all it knows", "laws", "SGD", "float32", with_options(maximize=False)),
]
