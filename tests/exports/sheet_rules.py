"""What Excel insists on, checked in the XML itself: a file that breaks one of these is "repaired" on opening."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from posixpath import join, normpath
from zipfile import ZipFile

from defusedxml.ElementTree import fromstring
from openpyxl.utils import column_index_from_string, range_boundaries

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_REFERENCE = re.compile(r"([A-Z]+)(\d+)")


def faults(workbook: bytes) -> list[str]:
    """Return a sentence for each rule that the workbook breaks."""
    with ZipFile(BytesIO(workbook)) as archive:
        parts = {name: fromstring(archive.read(name)) for name in archive.namelist()}
    styles = len(parts["xl/styles.xml"].find(f"{_MAIN}cellXfs"))
    tables = [part for name, part in parts.items() if name.startswith("xl/tables/")]
    found = list(_shared_names(tables))
    for name, sheet in parts.items():
        if name.startswith("xl/worksheets/sheet"):
            found += _sheet_faults(name, sheet, styles)
            for table in _tables_of(name, parts):
                found += _table_faults(name, sheet, table)
    return found


def _shared_names(tables: list) -> Iterator[str]:
    names = [table.get("displayName").casefold() for table in tables]
    if len(set(names)) != len(names) or len({table.get("id") for table in tables}) != len(tables):
        yield "two tables share a name or an id"


def _tables_of(name: str, parts: dict) -> Iterator:
    folder, file = name.rsplit("/", 1)
    for relation in parts.get(f"{folder}/_rels/{file}.rels", ()):
        if relation.get("Type").endswith("/table"):
            target = relation.get("Target")
            yield parts[target.lstrip("/") if target.startswith("/") else normpath(join(folder, target))]


def _sheet_faults(name: str, sheet, styles: int) -> Iterator[str]:
    for tag in ("f", "mergeCell"):
        if sheet.find(f".//{_MAIN}{tag}") is not None:
            yield f"{name} has <{tag}>"
    last_row = 0
    for row in sheet.iter(f"{_MAIN}row"):
        number, last_column = int(row.get("r")), 0
        if number <= last_row:
            yield f"{name}: row {number} after {last_row}"
        last_row = number
        for cell in row:
            letters, digits = _REFERENCE.fullmatch(cell.get("r")).groups()
            column = column_index_from_string(letters)
            if int(digits) != number or column <= last_column:
                yield f"{name}: {cell.get('r')} is out of place"
            last_column = column
            if cell.get("t") not in (None, "inlineStr") or int(cell.get("s", 0)) >= styles:
                yield f"{name}: {cell.get('r')} has a wrong type or style"


def _table_faults(name: str, sheet, table) -> Iterator[str]:
    first_column, first_row, last_column, last_row = range_boundaries(table.get("ref"))
    rows = {int(row.get("r")): row for row in sheet.iter(f"{_MAIN}row")}
    if last_row <= first_row or last_row not in rows:
        yield f"{name}: table {table.get('ref')} has no row of its own"
    if table.find(f"{_MAIN}autoFilter").get("ref") != table.get("ref"):
        yield f"{name}: the filter is not over the table"
    headings = [column.get("name") for column in table.iter(f"{_MAIN}tableColumn")]
    cells = ["".join(cell.itertext()) for cell in rows[first_row]]
    if headings != cells or len(headings) != last_column - first_column + 1:
        yield f"{name}: headings {headings} are not the cells {cells}"
    if len({heading.casefold() for heading in headings}) != len(headings):
        yield f"{name}: two headings are the same"
    if any(not heading.strip() or len(heading) > 255 or "\n" in heading for heading in headings):
        yield f"{name}: a heading is blank, broken or too long"
