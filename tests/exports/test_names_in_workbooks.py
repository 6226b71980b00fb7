from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exports.cell_text import LONGEST_TEXT, clean
from exports.row_sheet import MOST_ROWS, TooManyRowsError
from exports.table import data_sheet
from exports.training_record import record_columns
from tests.exports.samples import ABOUT, DONE_ELSEWHERE, PERSON, items, people
from tests.exports.sheet_rules import faults
from tests.exports.workbooks import as_excel_reads, opened, record_file

ANY_LETTER = st.characters(exclude_categories=())
NAMES = st.one_of(
    st.text(ANY_LETTER, max_size=30),
    st.builds("{}{}".format, st.sampled_from(list("=+-@\t\r\n '")), st.text(ANY_LETTER, max_size=20)),
    st.text(st.characters(codec="ascii"), max_size=20),
    st.sampled_from(
        [
            "=1+1",
            '=HYPERLINK("http://127.0.0.1","me")',
            "@SUM(A1)",
            "-2+3",
            "نورة الأحمد",
            "שרה כהן",
            "👩🏽‍🏫 Ana",
            "\ud83d",
            "_x0041_ Smith",
            "a_x000D_b",
            "]]>",
            "<&>\"'",
            " padded ",
            "two\nlines",
            "0042",
            "1e5",
            "TRUE",
            "#N/A",
            "x" * 40_000,
            "😀" * 20_000,
            "a" + "😀" * 16_383,
        ]
    ),
)


@given(st.lists(NAMES, min_size=1, max_size=8))
@settings(max_examples=40, deadline=None)
def test_a_name_comes_back_as_the_same_text_and_never_as_a_formula(names: list[str]) -> None:
    rows = [
        replace(
            PERSON,
            surname=name,
            agency=name,
            elsewhere=(replace(DONE_ELSEWHERE, title=name, said_by=name),),
        )
        for name in names
    ]

    made = record_file((), rows, about=replace(ABOUT, school=names[0], made_by=names[-1]))

    assert faults(made) == []
    book = opened(made)
    for title, column in (("Record", 1), ("Done elsewhere", 3), ("Done elsewhere", 5)):
        cells = [row[column] for row in book[title].iter_rows(min_row=2)]
        assert [as_excel_reads(cell.value or "") for cell in cells] == [clean(name) for name in names]
        assert {cell.data_type for cell in cells if cell.value} <= {"s"}


@given(st.lists(NAMES, min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_any_titles_of_items_make_headings_that_excel_accepts(titles: list[str]) -> None:
    wanted = [replace(item, title=title) for item, title in zip(items(4), titles, strict=False)]

    made = record_file(wanted, people(1, len(wanted)))

    assert faults(made) == []


@given(NAMES)
def test_clean_text_fits_a_cell_and_is_left_alone_the_second_time(name: str) -> None:
    text = clean(name)

    assert len(text.encode("utf-16-le")) // 2 <= LONGEST_TEXT
    assert clean(text) == text


def test_text_that_is_too_long_ends_in_an_ellipsis_and_never_in_half_a_letter() -> None:
    assert clean("x" * 40_000) == "x" * 32_766 + "…"
    assert clean("a" + "😀" * 16_383) == "a" + "😀" * 16_383
    assert clean("ab" + "😀" * 16_383) == "ab" + "😀" * 16_382 + "…"


def test_control_characters_go_and_a_lost_letter_shows() -> None:
    assert clean("O\x00'Br\x0bien\x1f") == "O'Brien"
    assert clean("Zo\udc81") == "Zo\ufffd"
    assert clean("one\r\ntwo\rthree") == "one\ntwo\nthree"


def test_text_that_looks_like_a_formula_stays_text_when_it_is_edited() -> None:
    rows = [replace(PERSON, surname=name) for name in ("=1+1", "+44", "-x", "@me", "Jones")]

    cells = [row[1] for row in opened(record_file((), rows))["Record"].iter_rows(min_row=2)]

    assert [bool(cell.quotePrefix) for cell in cells] == [True, True, True, True, False]
    assert cells[0].value == "=1+1", "no apostrophe is added to the name itself"


def test_more_rows_than_a_sheet_holds_are_refused_with_a_sentence(tmp_path) -> None:
    from exports.book import Book

    book = Book(tmp_path, ABOUT)
    table = data_sheet(book, "Record", record_columns(()))
    table.sheet.next_row = MOST_ROWS + 1

    with pytest.raises(TooManyRowsError, match="1,048,576 rows"):
        table.add(PERSON)

    book.discard()
