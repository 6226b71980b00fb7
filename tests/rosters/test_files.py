"""Files of every kind that a school may bring: each is read whole, or refused in a sentence, and in little time."""

from __future__ import annotations

import io
import re
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import openpyxl
import pytest

from lms.roster.file import RosterRefused, read_table
from lms.roster.table import MOST_BYTES
from tests.rosters.making import HEADINGS, csv_of, read_lines, saved, with_part, xlsx_of

SHEET = "xl/worksheets/sheet1.xml"
NAMES = [("Staff Code", "Surname", "Forename"), ("0012", "Müller – O’Neill", "Zoë, Mary")]
BOOK = xlsx_of(NAMES)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@contextmanager
def little_is_spent(seconds: float = 10) -> Iterator[None]:
    began = time.process_time()
    yield
    assert time.process_time() - began < seconds


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_csv_file_is_read_in_any_encoding_and_parting(encoding: str, delimiter: str) -> None:
    rows = read_table(csv_of(NAMES, encoding, delimiter), "staff.csv").rows

    assert [row.cells for row in rows] == NAMES


def test_excels_line_that_names_the_parting_is_obeyed_and_is_no_row() -> None:
    rows = read_table(b"sep=|\r\nSurname|Forename\r\nSmith|Jane\r\n", "staff.csv").rows

    assert [(row.line, row.cells) for row in rows] == [(2, ("Surname", "Forename")), (3, ("Smith", "Jane"))]


def test_a_quotation_mark_that_is_never_closed_costs_its_own_line_alone() -> None:
    lines = [
        "Surname,Forename",
        'Smith,"Jane',
        *(f"Person,{n}" for n in range(40)),
        '"Jo" Lee,Kim',
        '"A\nB",C',
    ]

    rows = read_table("\n".join(lines).encode(), "staff.csv").rows

    assert [row.line for row in rows if row.fault] == [2, 43]
    assert [row.cells for row in rows[2:42]] == [("Person", str(n)) for n in range(40)]
    assert (rows[-1].line, rows[-1].cells) == (44, ("A\nB", "C"))


def test_a_cell_that_a_later_quotation_mark_closes_far_below_swallows_no_line() -> None:
    lines = ["Surname,Forename", 'Smith,"Jane', *(f"Person,{n}" for n in range(40)), 'Khan",Tom', "Lee,Kim"]

    rows = read_table("\n".join(lines).encode(), "staff.csv").rows

    assert [row.line for row in rows] == list(range(1, 45))
    assert [row.line for row in rows if row.fault] == [2]


def test_a_workbook_gives_what_people_see_in_it() -> None:
    def change(sheet: openpyxl.worksheet.worksheet.Worksheet) -> None:
        sheet["A2"].number_format = "00000"
        sheet.merge_cells("C2:C3")
        sheet["D3"] = "=A2&B2"

    day = datetime(2020, 9, 1)  # noqa: DTZ001
    content = xlsx_of([("No", "Start", "Team", "Note"), (123, day, "Maths"), (None, day), (), (77,)], change)

    table = read_table(content, "staff.xlsx")

    cells = [row.cells for row in table.rows]
    assert cells[1:] == [("00123", day, "Maths"), (None, day, "Maths", "=A2&B2"), (), (77,)]
    assert [row.line for row in table.rows] == [1, 2, 3, 4, 5]


def test_a_formula_gives_its_stored_result_also_an_empty_one() -> None:
    def stored(xml: bytes) -> bytes:
        cells = b'<row r="3"><c r="A3" t="str"><f>1</f><v></v></c><c r="B3"><f>6*7</f><v>42</v></c></row></sheetData>'
        return xml.replace(b"</sheetData>", cells)

    table = read_table(with_part(BOOK, SHEET, stored), "staff.xlsx")

    assert table.rows[2].cells == (None, 42)


def test_cells_of_every_kind_are_what_openpyxl_makes_of_them() -> None:
    content = with_part(
        _with_shared_texts(BOOK), SHEET, lambda xml: xml.replace(b"</sheetData>", KINDS + b"</sheetData>")
    )
    content = with_part(content, "xl/styles.xml", _with_formats)
    with pytest.warns(UserWarning, match="outside the limits for dates"):
        book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)

    rows = read_table(content, "staff.xlsx").rows

    opened = [list(row) for row in book["Staff"].iter_rows(values_only=True)]
    assert [[*row.cells, *[None] * (len(opened[0]) - len(row.cells))] for row in rows] == opened
    assert rows[2].cells[:3] == ("Rich text", "#N/A", True)


KINDS = (
    b'<row><c t="inlineStr"><is><r><t>Rich</t></r><r><t xml:space="preserve"> text</t></r><rPh sb="0" eb="1">'
    b'<t>x</t></rPh></is></c><c t="e"><v>#N/A</v></c><c t="b"><v>1</v></c></row><row r="6">'
    b'<c r="C6" t="str"><f>A1</f><v>worked</v></c><c r="B6"><v>-1.5E3</v></c>'
    b'<c r="A6"><v>12345678901234567</v></c><c r="D6"/></row>'
    b'<row r="7"><c r="A7" s="1"><v>44075</v></c><c r="B7" s="1"><v>44075.75</v></c><c r="C7" s="1"><v>0.5</v></c>'
    b'<c r="D7" t="d"><v>2020-09-01</v></c></row><row r="8"><c r="A8" s="2"><v>1.25</v></c><c r="B8"><v>4.0</v></c>'
    b'<c r="C8" s="1"><v>99999999</v></c></row>'
)


def _with_formats(xml: bytes) -> bytes:
    """Two styles more: a day, and hours."""
    more = b'<xf numFmtId="14" applyNumberFormat="1"/><xf numFmtId="46" applyNumberFormat="1"/></cellXfs>'
    return xml.replace(b'<cellXfs count="1">', b'<cellXfs count="3">').replace(b"</cellXfs>", more)


def _with_shared_texts(workbook: bytes) -> bytes:
    """The same workbook with its texts in a part of their own, as Excel keeps them."""
    texts: list[bytes] = []

    def shared(cell: re.Match[bytes]) -> bytes:
        texts.append(cell[2])
        return b'<c%s t="s"><v>%d</v></c>' % (cell[1], len(texts) - 1)

    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    override = b'<Override PartName="/xl/sharedStrings.xml" ContentType="%s"/></Types>' % kind
    inline = re.compile(rb'<c([^>]*) t="inlineStr"><is>(.*?)</is></c>')
    content = with_part(workbook, SHEET, lambda xml: inline.sub(shared, xml))
    content = with_part(content, "[Content_Types].xml", lambda xml: xml.replace(b"</Types>", override))
    names = b"".join(b"<si>%s</si>" % text for text in texts)
    namespace = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return with_part(
        content, "xl/sharedStrings.xml", lambda _: b'<sst xmlns="%s">%s</sst>' % (namespace, names)
    )


def test_the_fullest_sheet_that_can_be_seen_is_read_and_another_on_request() -> None:
    book = openpyxl.Workbook()
    for title, rows in (("About", 1), ("Staff", 5), ("Old", 3), ("Secret", 9)):
        sheet = book.create_sheet(title)
        for number in range(rows):
            sheet.append((title, number))
    book.remove(book.worksheets[0])
    book["Secret"].sheet_state = "hidden"

    content = saved(book)

    table = read_table(content, "staff.xlsx")
    assert (table.sheet, table.sheets, len(table.rows)) == ("Staff", ("About", "Staff", "Old"), 5)
    assert len(read_table(content, "staff.xlsx", "Old").rows) == 3
    with pytest.raises(RosterRefused, match="no sheet “Secret”"):
        read_table(content, "staff.xlsx", "Secret")


def test_a_size_that_a_program_wrote_wrong_into_the_sheet_hides_no_row() -> None:
    def wrong(xml: bytes) -> bytes:
        return xml.replace(b'<dimension ref="A1:C2"/>', b'<dimension ref="A1:A1"/>')

    content = with_part(BOOK, SHEET, wrong)

    assert b'"A1:A1"' in zipfile.ZipFile(io.BytesIO(content)).read(SHEET)
    assert [row.cells for row in read_table(content, "staff.xlsx").rows] == NAMES


def _ods() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", "<x/>")
    return file.getvalue()


def _locked_zip() -> bytes:
    content = bytearray(BOOK)
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "staff.csv", "empty"),
        (b"\xef\xbb\xbf \n,,,\n", "staff.csv", "empty"),
        (xlsx_of([]), "staff.xlsx", "empty"),
        (b"x" * 50_000_000, "staff.csv", "50 MB.*at most 10 MB"),
        (b"x" * (MOST_BYTES + 1), "staff.xlsx", "at most 10 MB"),
        (BOOK, "staff.xlsm", "macros"),
        (b"x", "staff.xlsb", "macros"),
        (with_part(BOOK, "xl/vbaProject.bin", lambda _: b"x"), "staff.xlsx", "macros"),
        (
            with_part(
                BOOK,
                "[Content_Types].xml",
                lambda xml: xml.replace(
                    b"vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
                    b"vnd.ms-excel.sheet.macroEnabled.main+xml",
                ),
            ),
            "staff.xlsx",
            "macros",
        ),
        (OLE + b"\0" * 600 + "Workbook".encode("utf-16-le"), "staff.xlsx", r"old Excel file \(\.xls\)"),
        (OLE + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"), "staff.xlsx", "password"),
        (_locked_zip(), "staff.xlsx", "password"),
        (_ods(), "staff.xlsx", "isn't an Excel workbook"),
        (BOOK[: len(BOOK) // 2], "staff.xlsx", "damaged"),
        (
            BOOK.replace(b"PK\x03\x04", b"PK\x03\x05")[:4] + BOOK[4:],
            "staff.xlsx",
            "neither|damaged|can't be read",
        ),
        (with_part(BOOK, SHEET, lambda xml: xml[:-40]), "staff.xlsx", "damaged"),
        (with_part(BOOK, "xl/workbook.xml", lambda _: b"<a>"), "staff.xlsx", "damaged"),
        (b"<html><table><tr><td>Surname</td></tr></table></html>", "staff.xls", "web page"),
        (b"\xef\xbb\xbf\r\n<!DOCTYPE html><table>", "staff.xls", "web page"),
        (b"MIME-Version: 1.0\r\nContent-Type: multipart", "staff.xls", "web page"),
        (b'<?xml version="1.0"?><Workbook/>', "staff.xls", "XML"),
        (b"%PDF-1.7", "staff.csv", "PDF"),
        (b"\x89PNG\r\n", "staff.csv", "picture"),
        (b"\x1f\x8b\x08", "staff.csv", "packed"),
        (bytes(range(256)) * 40, "staff.csv", "neither|can't be read"),
        (b"Surname,Forename\n\x81\x8d,\x9d\n", "staff.csv", "can't be read"),
        (b"a,b\n" * 40_000, "staff.csv", "more than 30,000 lines"),
        (b"\n" * 2_000_000, "staff.csv", "more than 30,000 lines"),
        (b"," * 2_000_000, "staff.csv", "empty"),
        (b"a," * 300, "staff.csv", "Line 1 .* more than 250 cells"),
    ],
)
def test_a_file_that_is_no_staff_list_is_refused_in_a_sentence(content: bytes, name: str, said: str) -> None:
    with pytest.raises(RosterRefused, match=said) as refused:
        read_table(content, name)

    assert str(refused.value).endswith(".")


ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY f SYSTEM "file:///etc/passwd">]>'
)


def _between_rows(more: bytes) -> Callable[[bytes], bytes]:
    return lambda xml: xml.replace(b"</sheetData>", more + b"</sheetData>")


@pytest.mark.parametrize(
    ("part", "change", "said"),
    [
        (SHEET, lambda xml: ENTITIES + xml, "XML entities"),
        ("xl/sharedStrings.xml", lambda _: ENTITIES + b"<sst><si><t>&b;</t></si></sst>", "XML entities"),
        ("xl/workbook.xml", lambda xml: ENTITIES + xml, "XML entities"),
        (SHEET, lambda xml: (ENTITIES + xml).decode().encode("utf-16"), "XML entities"),
        (SHEET, lambda xml: (ENTITIES + xml).decode().encode("utf-16-le"), "XML entities"),
        ("xl/media/zeros.png", lambda _: bytes(200_000_000), "far larger"),
        (SHEET, _between_rows(b"<row/>" * 2_000_000), "more than|far more"),
        (SHEET, _between_rows(b"<row/>" * 100_000), "more than 30,000 rows"),
        (
            SHEET,
            _between_rows(b'<row r="2000000"><c r="A2000000"><v>1</v></c></row>'),
            "more than 30,000 rows",
        ),
        (SHEET, _between_rows(b'<row r="3"><c r="XFD3"><v>1</v></c></row>'), "more than 250 cells"),
        (SHEET, _between_rows(b"<row>" + b"<c/>" * 4_000_000 + b"</row>"), "far more"),
        ("xl/sharedStrings.xml", lambda _: b"<sst>" + b"<si/>" * 900_000 + b"</sst>", "far more"),
        ("xl/styles.xml", lambda xml: xml.replace(b"<cellXfs", b"<x/>" * 900_000 + b"<cellXfs"), "far more"),
        (
            SHEET,
            lambda xml: xml.replace(
                b"</sheetData>",
                b"".join(b'<row r="%d"><c r="A%d"><v>1</v></c></row>' % (n, n) for n in range(3, 2_500))
                + b"</sheetData><mergeCells>"
                + b'<mergeCell ref="A1:A2500"/>' * 100
                + b"</mergeCells>",
            ),
            "merged",
        ),
        (SHEET, lambda xml: xml + b"<c " * 300_000, "damaged"),
        (SHEET, lambda xml: xml + b'<c r="A1"><f/>' + b" " * 3_000_000, "damaged"),
    ],
)
def test_a_hostile_workbook_is_refused_before_it_costs_much(
    part: str, change: Callable[[bytes], bytes], said: str
) -> None:
    content = with_part(BOOK, part, change)

    with little_is_spent(), pytest.raises(RosterRefused, match=said):
        read_table(content, "staff.xlsx")


def test_an_archive_that_lies_about_a_parts_size_gives_no_byte_beyond_it() -> None:
    """The size and the checksum are those of a beginning; what is packed is 150 MB."""
    beginning = b"<styleSheet/>"
    content = bytearray(with_part(BOOK, "xl/styles.xml", lambda _: beginning + bytes(150_000_000)))
    entry = content.index(b"xl/styles.xml", content.index(b"PK\x01\x02")) - 46
    content[entry + 16 : entry + 20] = zlib.crc32(beginning).to_bytes(4, "little")
    content[entry + 24 : entry + 28] = len(beginning).to_bytes(4, "little")

    tracemalloc.start()
    try:
        read_table(bytes(content), "staff.xlsx")
    except RosterRefused:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert peak < 20_000_000


def test_a_quoted_field_without_end_in_a_large_file_is_read_in_little_time() -> None:
    content = ('"' + "x" * 60 + "\n").encode() * 29_000

    with little_is_spent():
        table = read_table(content, "staff.csv")

    assert len(table.rows) == 29_000
    assert all(row.fault for row in table.rows)


def test_a_good_workbook_says_nothing_on_the_side() -> None:
    assert read_lines(("1", "Jane", "Smith"), headings=HEADINGS).bad == ()
