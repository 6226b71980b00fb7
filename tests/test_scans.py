"""Scans: a whole PDF, JPEG or PNG and nothing else; kept for the server's user alone, or not at all."""

from __future__ import annotations

import stat
import zlib
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from flask import Flask

from lms import scans
from lms.db import transaction
from lms.errors import NotFoundError
from lms.scans import NotAScan
from tests.scan_files import SVG, WEB_PAGE, chunk, jpeg, packed, pdf, png, zipped

GOOD = {
    "a PDF": (pdf(), scans.PDF),
    "a PDF with packed objects": (pdf(packed(b"1 0 << /Type /Catalog >>")), scans.PDF),
    "a JPEG": (jpeg(), scans.JPEG),
    "a PNG": (png(), scans.PNG),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_scan_is_known_by_its_content(name: str) -> None:
    content, media_type = GOOD[name]
    assert scans.sniff(content) == media_type


BAD = {
    "nothing": b"",
    "a drawing in SVG": SVG,
    "a web page": WEB_PAGE,
    "a zip bomb": zipped(),
    "more than 5 MB": pdf() + b" " * scans.LARGEST,
    "a PDF with a web page after it": pdf() + WEB_PAGE,
    "a PDF with a web page in it": pdf(b"<< >> stream\n" + WEB_PAGE + b"\nendstream"),
    "a PDF with a zip after it": pdf() + zipped(b"x"),
    "a PDF with a zip in it": pdf(b"<< >> stream\n" + zipped(b"x") + b"\nendstream"),
    "a PDF behind a web page": WEB_PAGE + pdf(),
    "a PDF that is cut short": pdf()[:-20],
    "a PDF whose index is elsewhere": pdf().replace(b"startxref\n", b"startxref\n9"),
    "a PDF that runs a script": pdf(b"<< /Type /Catalog /OpenAction << /S /JavaScript /JS (app.alert) >> >>"),
    "a PDF that hides its script's name": pdf(b"<< /Type /Catalog /Names << /J#61vaScript 2 0 R >> >>"),
    "a PDF that packs its script away": pdf(packed(b"1 0 << /OpenAction << /S /JavaScript /JS (a) >> >>")),
    "a PDF whose packed objects can't be read": pdf(packed(b"1 0 << >>")[:-25]),
    "a PDF with a file in it": pdf(b"<< /Names << /EmbeddedFiles 2 0 R >> >>"),
    "a PDF with a password": pdf(b"<< /Encrypt 2 0 R >>"),
    "a PDF with a vast picture": pdf(b"<< /Subtype /Image /Width 2147483647 /Height 1 >>"),
    "a JPEG with a zip after it": jpeg() + zipped(b"x"),
    "a JPEG with a web page in its comment": jpeg(comment=WEB_PAGE),
    "a JPEG that is a PDF too": jpeg(comment=b"%PDF-1.4\n"),
    "a JPEG with a few bytes after it": jpeg() + b"PK",
    "a JPEG that is cut short": jpeg()[:-2],
    "a JPEG's header alone": b"\xff\xd8\xff\xe0",
    "a vast JPEG": jpeg(65_535, 65_535),
    "a JPEG without a frame": b"\xff\xd8\xff\xda\x00\x02\x12\xff\xd9",
    "a PNG with a few bytes after it": png() + b"PK",
    "a PNG with a zip after it": png() + zipped(b"x"),
    "a PNG with a chunk that says it has 2 GB": png()[:8] + b"\x7f\xff\xff\xff" + png()[12:],
    "a PNG two milliards wide": png(2_147_483_647, 1, pixels=zlib.compress(b"\0")),
    "a PNG of more pixels than a page has": png(19_999, 19_999, pixels=zlib.compress(b"\0")),
    "a PNG that unpacks to more than its size": png(pixels=zlib.compress(b"\0" * 50_000_000)),
    "a PNG whose pixels are cut short": png(pixels=zlib.compress(b"\0" * 6)[:-3]),
    "a PNG with a wrong checksum": png()[:-1] + b"\0",
    "a PNG with packed text in it": png(extra=chunk(b"zTXt", b"Title\0\0" + zlib.compress(b"x" * 99))),
    "a PNG with a script in its text": png(extra=chunk(b"tEXt", b"Title\0" + WEB_PAGE)),
    "a PNG's first bytes alone": png()[:8],
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_only_a_scan_is_refused_in_words(name: str) -> None:
    with pytest.raises(NotAScan) as refused:
        scans.sniff(BAD[name])
    assert len(str(refused.value)) > 30


def test_every_beginning_of_a_scan_is_refused_and_none_is_a_fault() -> None:
    for content, _ in GOOD.values():
        for length in range(len(content) - 1):
            with pytest.raises(NotAScan):
                scans.sniff(content[:length])


def test_a_scan_is_kept_for_the_servers_user_alone(in_app: None, tmp_path: Path) -> None:
    identity = uuid4()
    with transaction():
        scans.keep(tmp_path, identity, pdf())
    place = tmp_path / "scans" / str(identity)
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    assert scans.read(tmp_path, identity) == pdf()


def _keep_and_fail(folder: Path, identity: UUID) -> None:
    scans.keep(folder, identity, pdf())
    raise ZeroDivisionError


def test_a_scan_goes_away_with_the_transaction_that_failed(app: Flask, in_app: None, tmp_path: Path) -> None:
    identity = uuid4()
    with pytest.raises(ZeroDivisionError), transaction():
        _keep_and_fail(tmp_path, identity)
    with pytest.raises(NotFoundError):
        scans.read(tmp_path, identity)
    assert list((tmp_path / "scans").iterdir()) == []
