"""One call with arrays of one's own."""

import numpy as np
import pytest

from conformance.__main__ import main
from conformance.grid import Misuse
from conformance.judge import judge, outside

X = np.arange(9, dtype=np.float32).reshape(1, 1, 3, 3)
WEIGHT = np.ones((1, 1, 2, 2), np.float32)
RIGHT = np.array([[[[8, 12], [20, 24]]]], np.float32)


def test_a_right_result_conforms_and_one_ulp_on_integers_does_not():
    assert judge("torch.nn.Conv2d", {"x": X, "weight": WEIGHT}, {}, RIGHT)
    verdict = judge("Conv2d", {"x": X, "weight": WEIGHT}, {"stride": 1}, np.nextafter(RIGHT, np.float32(99)))
    assert not verdict
    assert "accepted is 8, exactly" in verdict.sentence


def test_of_two_results_the_wrong_one_is_named():
    arrays = {"x": X, "weight": WEIGHT}
    assert outside("Conv2d", arrays, {}, RIGHT, RIGHT + 1).startswith("the second result is outside: output[0, 0, 0, 0] is 9.0")
    assert outside("Conv2d", arrays, {}, RIGHT, RIGHT) == "both results conform: they differ by rounding"


@pytest.mark.parametrize(
    ("operation", "arrays", "options", "complaint"),
    [
        ("Conv9d", {}, {}, "no operation is called 'Conv9d'"),
        ("Conv2d", {"image": X}, {}, "has no array 'image'"),
        ("Conv2d", {"x": X}, {}, "needs the array 'weight'"),
        ("Conv2d", {"x": X, "weight": WEIGHT}, {"step": 1}, "has no option 'step'"),
    ],
)
def test_unknown_names_get_one_sentence(operation, arrays, options, complaint):
    with pytest.raises(Misuse, match=complaint):
        judge(operation, arrays, options, RIGHT)


def test_the_command_judges_files(tmp_path, capsys):
    np.savez(tmp_path / "call.npz", x=X, weight=WEIGHT)
    np.save(tmp_path / "right.npy", RIGHT)
    np.save(tmp_path / "wrong.npy", RIGHT + 1)
    call, right, wrong = (str(tmp_path / name) for name in ("call.npz", "right.npy", "wrong.npy"))
    assert main(["judge", "Conv2d", call, right, "--options", '{"stride": [1, 1]}']) == 0
    assert main(["judge", "Conv2d", call, right, wrong]) == 1
    assert "the second result is outside" in capsys.readouterr().out
    assert main(["judge", "Conv2d", call, str(tmp_path / "none.npy")]) == 2
