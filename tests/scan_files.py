"""Files that a scanner might write, and those that somebody might send instead."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

WEB_PAGE = b"<!DOCTYPE html><html><script>alert(1)</script></html>"


def chunk(name: bytes, body: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int = 2, height: int = 2, pixels: bytes | None = None, extra: bytes = b"") -> bytes:
    """Return a grey PNG; `pixels` are the packed rows."""
    rows = zlib.compress(b"\0" * (height * (width + 1))) if pixels is None else pixels
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", header), extra, chunk(b"IDAT", rows), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def segment(marker: int, body: bytes) -> bytes:
    """Return a segment of a JPEG."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def jpeg(width: int = 8, height: int = 8, comment: bytes = b"") -> bytes:
    """Return a JPEG with all that its structure needs, and pixels that mean nothing."""
    frame = segment(0xC0, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00")
    note = segment(0xFE, comment) if comment else b""
    tables = segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0") + segment(0xDB, b"\0" * 65) + note
    scan = segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"\x12\xff\x00\x34\xff\xd0\x56"
    return b"\xff\xd8" + tables + frame + scan + b"\xff\xd9"


def pdf(objects: bytes = b"<< /Type /Catalog >>", after: bytes = b"\n") -> bytes:
    """Return a PDF of one object."""
    body = b"%PDF-1.4\n1 0 obj\n" + objects + b"\nendobj\n"
    index = b"xref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size 2 /Root 1 0 R >>\n"
    return body + index + b"startxref\n" + str(len(body)).encode() + b"\n%%EOF" + after


def packed(objects: bytes) -> bytes:
    """Return a PDF's stream of packed objects."""
    body = zlib.compress(objects)
    head = b"<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length %d >>" % len(body)
    return head + b"\nstream\n" + body + b"\nendstream"


def zipped(content: bytes = b"\0" * 10_000_000) -> bytes:
    """Return a zip that unpacks to far more than it is."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("page.html", content)
    return made.getvalue()


SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
