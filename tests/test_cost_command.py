"""`conformance cost`: a table for a person, JSON, and one sentence where it is misused."""

from __future__ import annotations

import argparse
import json

import pytest

from conformance import cost_command
from conformance.grid import Misuse


def command(*arguments: str) -> int:
    """`conformance cost` with these arguments."""
    parser = argparse.ArgumentParser()
    cost_command.add_parser(parser.add_subparsers())
    chosen = parser.parse_args(["cost", *arguments])
    return int(chosen.run(chosen))


def test_the_command_prints_a_table_that_a_person_can_read(capsys):
    assert command("tests.networks:vgg16", "--input", "1,3,224,224") == 0
    printed = capsys.readouterr().out
    assert all(text in printed for text in ("138,357,544", "15,470,264,320", "1×4096", "212×212", "Conv2d", "parameters", "MACs", "FLOPs"))


def test_the_command_prints_json(capsys):
    assert command("torch.nn:Identity", "--input", "1,3:int64", "--json") == 0
    command("tests.networks:resnet18", "--input", "1,3,224,224", "--json")
    document = json.loads(capsys.readouterr().out.partition("}\n}\n")[2] or "{}")
    assert document["total"]["macs"] == 1_814_073_344
    assert document["rows"][0]["receptive_field"] == [7, 7]
    assert {"name", "output_shape", "parameters", "macs", "flops", "bytes", "receptive_field"} <= set(document["rows"][0])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tests.networks:vgg16"], "no input was given"),
        (["tests.networks", "--input", "1,3"], "does not name a network"),
        (["no_such_module:vgg16", "--input", "1,3"], "cannot be imported"),
        (["tests.networks:vgg99", "--input", "1,3"], "has no attribute"),
        (["tests.networks:Residual", "--input", "1,3"], "cannot be called without arguments"),
        (["builtins:dict", "--input", "1,3"], "not a torch.nn.Module"),
        (["tests.networks:vgg16", "--input", "1,x"], "is not a shape"),
        (["tests.networks:vgg16", "--input", "1,3:int99"], "is no dtype of torch"),
        (["tests.networks:vgg16", "--input", "1,4,8,8"], "cannot be run on meta tensors"),
        (["tests.test_cost_graphs:Mine", "--input", "1,3"], "is not known"),
    ],
    ids=lambda value: None if isinstance(value, list) else value.replace(" ", "_"),
)
def test_misuse_is_one_sentence(arguments, words):
    with pytest.raises(Misuse, match=words) as caught:
        command(*arguments)
    assert "\n" not in str(caught.value)
