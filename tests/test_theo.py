"""`mmconsole theo` as a person types it."""

import json

import pytest

from console.__main__ import main
from console.core.devig import Method
from tests.core.test_devig import SOLVABLE


def theo(capsys, *arguments):
    assert main(["theo", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("vector", SOLVABLE, ids=lambda v: str(v["id"]))
def test_golden_vectors_come_out_of_the_command(vector, capsys):
    answer = theo(capsys, *(repr(price) for price in vector["odds"]))
    assert answer["odds"] == vector["odds"]
    assert answer["overround"] == pytest.approx(vector["booksum"] - 1.0, abs=1e-12)
    assert set(answer["methods"]) == {method.value for method in Method}
    for method in answer["methods"]:
        golden = vector["methods"].get(method, {})
        if "p" not in golden and not golden.get("invalid"):
            continue  # no golden value
        if golden.get("invalid"):
            assert answer["methods"][method] is None
            assert answer["reasons"][method]
        else:
            assert answer["methods"][method] == pytest.approx(golden["p"], abs=1e-9)
    assert answer.get("underround", False) is (vector["booksum"] < 1.0 - 1e-13)


def test_other_spellings_say_the_same(capsys):
    american = theo(capsys, "--american", "-110", "+100")["methods"]["multiplicative"]
    assert american == pytest.approx([0.5116, 0.4884], abs=1e-4)
    percent = theo(capsys, "--probability", "52.38%", "50%")["methods"]["multiplicative"]
    assert percent == pytest.approx(american, abs=1e-4)


def test_people_get_a_table(capsys):
    assert main(["theo", "1.91", "2.02"]) == 0
    said = capsys.readouterr().out
    assert "multiplicative" in said
    assert "overround +1.86 %" in said


@pytest.mark.parametrize(
    "odds",
    [["1", "2"], ["nan", "2"], ["inf", "2"], ["0.5", "2"], ["-110", "2"], ["2"], ["", "2"], ["2,1", "2"]],
)
def test_what_is_no_odds_is_one_line_and_status_2(capsys, odds):
    assert main(["theo", *odds]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert said.err.startswith("mmconsole: odds: ")
