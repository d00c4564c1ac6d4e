"""`conformance cost`: a table for a person, JSON, and one sentence where it is misused."""

from __future__ import annotations

import json

import pytest
from torch import nn

from conformance.__main__ import main

READY = nn.Linear(3, 4)


def command(*arguments: str) -> int:
    """`conformance cost` with these arguments."""
    return main(["cost", *arguments])


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
        ([".:vgg16", "--input", "1,3"], "does not name a network"),
        (["tests.networks:", "--input", "1,3"], "does not name a network"),
        (["json:nothing.at.all", "--input", "1,3"], "has no attribute"),
        (["tests.networks:vgg16", "--input", "1,x"], "is not a shape"),
        (["tests.networks:vgg16", "--input", "1,,3"], "is not a shape"),
        (["tests.networks:vgg16", "--input", "1,3,"], "is not a shape"),
        (["tests.networks:vgg16", "--input", ""], "is not a shape"),
        (["tests.networks:vgg16", "--input=-1,3"], "is not a shape"),
        (["tests.networks:vgg16", "--input", "1,3.5"], "is not a shape"),
        (["tests.networks:vgg16", "--input", "1,3,8,8", "--input", "1,3"], "cannot be run on meta tensors"),
        (["tests.networks:vgg16", "--input", "1,3:int99"], "is no dtype of torch"),
        (["tests.networks:vgg16", "--input", "1,4,8,8"], "cannot be run on meta tensors"),
        (["tests.test_cost_graphs:Mine", "--input", "1,3"], "is not known"),
    ],
    ids=lambda value: None if isinstance(value, list) else value.replace(" ", "_"),
)
def test_misuse_is_one_sentence_and_exit_status_2(arguments, words, capsys):
    assert main(["cost", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("conformance: ")
    assert printed.err.count("\n") == 1
    assert words in printed.err


def test_a_module_that_raises_is_misuse(tmp_path, monkeypatch, capsys):
    (tmp_path / "broken_network.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert main(["cost", "broken_network:net", "--input", "1"]) == 2
    assert "cannot be imported: ZeroDivisionError" in capsys.readouterr().err


def test_a_network_may_be_given_as_an_object_or_as_a_factory(capsys):
    assert main(["cost", "tests.test_cost_command:READY", "--input", "2,3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["total"] == {"parameters": 16, "macs": 24, "flops": 48, "bytes": 120, "backward_flops": 96}
