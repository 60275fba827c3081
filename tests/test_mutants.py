"""A sample of the mutants (see mutants.py for all): a control that is taken out is missed by a test."""

import pytest

from tests.mutants import MUTANTS, hunt, name


def test_every_control_has_a_mutant():
    assert {mutant.control for mutant in MUTANTS} >= {f"C{number}" for number in range(1, 41)}


def test_every_mutant_has_a_name_of_its_own():
    assert len({name(mutant) for mutant in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("what", ["duplicate guard", "cash compared"])
def test_control_taken_out_is_missed(what):
    number = next(number for number, mutant in enumerate(MUTANTS) if mutant.what == what)
    outcome = hunt(number)
    assert outcome.caught, outcome.trouble
