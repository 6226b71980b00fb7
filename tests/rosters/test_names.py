"""Names in capitals, in one column, and with what programs put around them."""

from __future__ import annotations

import pytest

from lms.roster.names import forename_in_case, parted, short_name, surname_in_case


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("SMITH", "Smith"),
        ("MCDONALD", "McDonald"),
        ("McDONALD", "McDonald"),
        ("MACDONALD", "MacDonald"),
        ("MACHIN", "Machin"),
        ("O'BRIEN", "O'Brien"),
        ("O’BRIEN", "O’Brien"),
        ("ST JOHN'S", "St John's"),
        ("SMITH-JONES", "Smith-Jones"),
        ("MCKAY-O'NEILL", "McKay-O'Neill"),
        ("VAN DER BERG", "van der Berg"),
        ("LE", "Le"),
        ("NG", "Ng"),
        ("ÉVANS", "Évans"),
        ("ŞAHİN", "Şahin"),
        ("KING III", "King III"),
        ("X", "X"),
        ("MacDonald", "MacDonald"),
        ("de Souza", "de Souza"),
        ("DeVito", "DeVito"),
        ("smith", "smith"),
    ],
)
def test_a_surname_in_capitals_is_put_right_and_any_other_left_alone(written: str, meant: str) -> None:
    assert surname_in_case(written) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("JANE", "Jane"),
        ("ANNE-MARIE", "Anne-Marie"),
        ("JO", "Jo"),
        ("AJ", "AJ"),
        ("J P", "J P"),
        ("ZOË ANN", "Zoë Ann"),
    ],
)
def test_a_forename_in_capitals_is_put_right_but_initials_stay(written: str, meant: str) -> None:
    assert forename_in_case(written) == meant


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Smith, Jane", ("Jane", "Smith")),
        ("SMITH, Mrs Jane Ann", ("Jane Ann", "SMITH")),
        ("Dr. Jane Smith", ("Jane", "Smith")),
        ("Jane SMITH JONES", ("Jane", "SMITH JONES")),
        ("JANE SMITH", ("JANE", "SMITH")),
        ("Ana Maria de Souza", ("Ana Maria", "de Souza")),
        ("Sukarno", ("", "Sukarno")),
    ],
)
def test_a_whole_name_is_parted(name: str, parts: tuple[str, str]) -> None:
    assert parted(name) == parts


def test_a_surname_that_a_program_repeats_is_no_part_of_what_somebody_is_known_as() -> None:
    assert short_name("Kate Smith-Jones", "Smith-Jones") == "Kate"
    assert short_name("Smith", "Smith") == "Smith"
