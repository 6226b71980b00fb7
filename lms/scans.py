"""Scans of signed forms: what is taken (PDF, JPEG, PNG, whole and nothing more), and where it is kept.

Nothing here opens a picture or runs a PDF: a file is walked from its first byte to its last, and refused where the walk
meets something that a scanner doesn't write. What is kept is only ever handed out as a download.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from struct import error as StructError
from struct import unpack_from
from uuid import UUID

import sqlalchemy as sa

from lms.db import session
from lms.errors import CountersignError, NotFoundError

LARGEST = 5 * 1024 * 1024
"""Bytes."""
LONGEST_SIDE = 20_000
MOST_PIXELS = 60_000_000
"""A4 at 600 dots an inch has 35 million."""
PDF, JPEG, PNG = "application/pdf", "image/jpeg", "image/png"
ENDINGS = {PDF: "pdf", JPEG: "jpg", PNG: "png"}


class NotAScan(CountersignError):
    """Why a file isn't taken, in a sentence that says what to do."""


_ONLY = "Choose a PDF, a JPEG or a PNG. This file is none of these"
_MORE = (
    "There is something else in this file besides the scan. Scan the form again, or take a new photo of it"
)
_DAMAGED = "This file is damaged or cut short. Scan the form again, or take a new photo of it"
_VAST = "This picture says that it is far larger than a page. Scan the form again at 300 dots an inch"
_LOCKED = "This PDF is locked with a password. Scan the form again without one"
_ACTIVE = "This PDF does more than show a page. Scan the form again, as a plain PDF"


def sniff(content: bytes) -> str:
    """Return what a file is, as a media type, by its content alone.

    Raises:
        NotAScan: it is empty, too large, of another kind, damaged, or something else as well.
    """
    if not content:
        raise NotAScan("This file is empty. Choose the scan again")
    if len(content) > LARGEST:
        raise NotAScan("The scan must be 5 MB or smaller. Scan it again at a lower quality")
    for opening, media_type, walk in _KINDS:
        if content.startswith(opening):
            _refuse_a_second_kind(content, media_type)
            try:
                walk(content)
            except (StructError, IndexError) as error:
                raise NotAScan(_DAMAGED) from error
            return media_type
    raise NotAScan(_ONLY)


_WEB_PAGE = re.compile(rb"<script|<html|<!doctype|<svg[\s>]|<iframe", re.IGNORECASE)
_END_OF_ZIP = b"PK\x05\x06"
_ZIP_IS_SOUGHT_IN = 65_557
"""Bytes: programs that open a zip look for its end in so many of the last ones."""
_PDF_IS_SOUGHT_IN = 1024
"""Bytes: programs that open a PDF take one that begins anywhere in so many of the first ones."""


def _refuse_a_second_kind(content: bytes, media_type: str) -> None:
    is_pdf_too = media_type != PDF and b"%PDF-" in content[:_PDF_IS_SOUGHT_IN]
    is_zip_too = _END_OF_ZIP in content[-_ZIP_IS_SOUGHT_IN:]
    if is_pdf_too or is_zip_too or _WEB_PAGE.search(content):
        raise NotAScan(_MORE)


def _check_size(width: int, height: int) -> None:
    if not width or not height:
        raise NotAScan(_DAMAGED)
    if max(width, height) > LONGEST_SIDE or width * height > MOST_PIXELS:
        raise NotAScan(_VAST)


_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PNG_CHUNKS = frozenset(
    b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB cICP iCCP sBIT bKGD hIST pHYs tIME tEXt eXIf".split()
)
"""Those that scanners and phones write. Without zTXt and iTXt, whose text may be packed."""


def _walk_png(content: bytes) -> None:
    """Follow the chunks (PNG, third edition, section 5), their checksums, and how far the pixels unpack."""
    names, packed, header = [], [], b""
    for name, body in _png_chunks(content):
        names.append(name)
        header = body if len(names) == 1 else header
        if name == b"IDAT":
            packed.append(body)
    if names[:1] != [b"IHDR"] or names.count(b"IHDR") != 1 or b"IDAT" not in names:
        raise NotAScan(_DAMAGED)
    width, height, depth, colour = unpack_from(">IIBB", header)
    _check_size(width, height)
    if colour not in _PNG_CHANNELS or depth not in (1, 2, 4, 8, 16):
        raise NotAScan(_DAMAGED)
    row = 1 + -(-width * depth * _PNG_CHANNELS[colour] // 8)
    # Interlaced pictures come in seven passes, which have more rows, each with a byte of its own.
    _refuse_a_bomb(packed, most=height * row + 8 * (width + height))


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at, name = 8, b""
    while name != b"IEND":
        length, name = unpack_from(">I4s", content, at)
        end = at + 12 + length
        if name not in _PNG_CHUNKS or end > len(content):
            raise NotAScan(_DAMAGED)
        body = content[at + 8 : end - 4]
        if unpack_from(">I", content, end - 4)[0] != zlib.crc32(name + body):
            raise NotAScan(_DAMAGED)
        yield name, body
        at = end
    if at != len(content):
        raise NotAScan(_MORE)


def _refuse_a_bomb(packed: list[bytes], *, most: int) -> None:
    unpack, total = zlib.decompressobj(), 0
    try:
        for piece in packed:
            while piece and total <= most:
                total += len(unpack.decompress(piece, 1 << 20))
                piece = unpack.unconsumed_tail
    except zlib.error as error:
        raise NotAScan(_DAMAGED) from error
    if total > most or unpack.unused_data:
        raise NotAScan(_MORE)
    if not unpack.eof:
        raise NotAScan(_DAMAGED)


_JPEG_FRAMES = frozenset({0xC0, 0xC1, 0xC2})
"""Baseline, extended and progressive: what cameras and scanners write."""
_JPEG_TABLES = frozenset({0xC4, 0xDB, 0xDD, 0xFE, *range(0xE0, 0xF0)})
_JPEG_PIXELS = re.compile(rb"\xff(?![\x00\xd0-\xd7\xff])")
"""Where a scan's coded pixels end: a marker that is neither a stuffed byte nor a restart."""


def _walk_jpeg(content: bytes) -> None:
    """Follow the segments (ITU-T T.81, annex B) from the first marker to the end of image, which ends the file."""
    at, has_frame, has_pixels = 2, False, False
    while True:
        marker, at = _jpeg_marker(content, at)
        if marker == 0xD9:
            break
        if marker not in _JPEG_FRAMES | _JPEG_TABLES | {0xDA}:
            raise NotAScan(_DAMAGED)
        length = unpack_from(">H", content, at)[0]
        if marker in _JPEG_FRAMES:
            height, width = unpack_from(">HH", content, at + 3)
            _check_size(width, height)
            has_frame = True
        at += length
        if length < 2 or at > len(content):
            raise NotAScan(_DAMAGED)
        if marker == 0xDA:
            has_pixels, at = True, _jpeg_pixels_end(content, at)
    if not has_frame or not has_pixels:
        raise NotAScan(_DAMAGED)
    if content[at:].strip(b"\0"):
        raise NotAScan(_MORE)


def _jpeg_marker(content: bytes, at: int) -> tuple[int, int]:
    if content[at] != 0xFF:
        raise NotAScan(_DAMAGED)
    while content[at] == 0xFF:
        at += 1
    return content[at], at + 1


def _jpeg_pixels_end(content: bytes, at: int) -> int:
    found = _JPEG_PIXELS.search(content, at)
    if found is None:
        raise NotAScan(_DAMAGED)
    return found.start()


_PDF_HEADER = re.compile(rb"%PDF-[12]\.\d[\r\n\s]")
_PDF_END = re.compile(rb"startxref\s+(\d{1,8})\s+%%EOF\s{0,4}\Z")
_PDF_INDEX = re.compile(rb"xref\b|\d+\s+\d+\s+obj\b")
_PDF_ACTIVE = re.compile(
    rb"/(JavaScript|JS|Launch|EmbeddedFiles?|RichMedia|XFA|SubmitForm|ImportData|GoToR|AA|OpenAction)\b"
)
_PDF_SIDE = re.compile(rb"/(?:Width|Height)\s+(\d+)")
_PDF_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_PDF_STREAM = re.compile(rb"(?<!end)stream\s+")
_PDF_PACKED_OBJECTS = re.compile(rb"/ObjStm\b")
_PDF_TURNED = re.compile(rb"/(DecodeParms|DP)\b")
_MOST_UNPACKED = 8 * 1024 * 1024
"""Bytes that the packed objects of one PDF may have: a page has a few thousand."""


def _walk_pdf(content: bytes) -> None:
    """Look at a PDF's first line, its last three, and the words by which it would do more than show pages."""
    end = _PDF_END.search(content[-64:])
    if not _PDF_HEADER.match(content) or end is None:
        raise NotAScan(_MORE if b"%%EOF" in content[:-64] else _DAMAGED)
    # 0 in a PDF that is laid out for the web, whose index is at its start.
    if not _PDF_INDEX.match(content, int(end[1])) and int(end[1]) != 0:
        raise NotAScan(_DAMAGED)
    plain = _pdf_plain(content)
    if re.search(rb"/Encrypt\b", plain):
        raise NotAScan(_LOCKED)
    if any(_PDF_ACTIVE.search(words) for words in (plain, *_pdf_unpacked(content))):
        raise NotAScan(_ACTIVE)
    if any(len(side) > 5 or int(side) > LONGEST_SIDE for side in _PDF_SIDE.findall(plain)):
        raise NotAScan(_VAST)


def _pdf_plain(content: bytes) -> bytes:
    # A letter of a name may be written as its number: /J#53 is /JS.
    return _PDF_ESCAPE.sub(lambda code: bytes([int(code[1], 16)]), content)


def _pdf_unpacked(content: bytes) -> Iterator[bytes]:
    """Yield what is in a PDF's streams of packed objects (ISO 32000-1, 7.5.7); refuse what can't be read there."""
    left = _MOST_UNPACKED
    for before, packed in pairwise(_PDF_STREAM.split(content)):
        named = _pdf_plain(before)
        if not _PDF_PACKED_OBJECTS.search(named):
            continue
        unpack = zlib.decompressobj()
        try:
            objects = unpack.decompress(packed, max(left, 1))
        except zlib.error as error:
            raise NotAScan(_ACTIVE) from error
        if not unpack.eof or _PDF_TURNED.search(named):
            raise NotAScan(_ACTIVE)
        left -= len(objects)
        yield _pdf_plain(objects)


_KINDS = (
    (b"%PDF-", PDF, _walk_pdf),
    (b"\xff\xd8\xff", JPEG, _walk_jpeg),
    (b"\x89PNG\r\n\x1a\n", PNG, _walk_png),
)


def keep(folder: Path, scan_id: UUID, content: bytes) -> None:
    """Write a scan before the transaction that names it is over; take it away again where that fails.

    Raises OSError: the disk is full, or can't be written to.
    """
    place = _place(folder, scan_id)
    place.parent.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    _remove_unless_committed(place)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _remove_unless_committed(place: Path) -> None:
    current, outcome = session(), {"kept": False}
    sa.event.listen(current, "after_commit", lambda _: outcome.update(kept=True))

    def undo(_session: object) -> None:
        if not outcome["kept"]:
            place.unlink(missing_ok=True)

    sa.event.listen(current, "after_rollback", undo)


def read(folder: Path, scan_id: UUID) -> bytes:
    """Return a scan's bytes. Raises NotFoundError when the file is gone."""
    try:
        return _place(folder, scan_id).read_bytes()
    except FileNotFoundError as error:
        raise NotFoundError(
            "The file of this scan is missing from the server’s data folder. Tell your administrator: it may be in a "
            "backup."
        ) from error


def _place(folder: Path, scan_id: UUID) -> Path:
    return folder / "scans" / str(scan_id)
