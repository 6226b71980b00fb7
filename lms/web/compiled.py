"""Compiled templates, kept between one start of the server and the next.

A crowd that comes right after a start would otherwise compile each page at the same moment, once for every one of them.
"""

from __future__ import annotations

import logging
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

_log = logging.getLogger(__name__)
_DIGEST = sha256().digest_size


def kept_in(folder: Path) -> BytecodeCache | None:
    """Return a cache of compiled templates in a folder that is ours alone; None where there can't be such a folder."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        _log.warning("Compiled pages can't be kept in %s: %s", folder, error.strerror)
        return None
    return _Kept(folder)


class _Kept(BytecodeCache):
    """A file a template, with its SHA-256 before it. With Jinja's own such cache a damaged file fails the page."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._jinja = folder, version("jinja2")

    def _file(self, bucket: Bucket) -> Path:
        return self._folder / f"{bucket.key}.jinja-{self._jinja}"

    def load_bytecode(self, bucket: Bucket) -> None:
        try:
            kept = self._file(bucket).read_bytes()
        except FileNotFoundError:
            return
        # A power cut, or another process that is writing at this moment, may leave half of it.
        if sha256(kept[_DIGEST:]).digest() == kept[:_DIGEST]:
            bucket.bytecode_from_string(kept[_DIGEST:])

    def dump_bytecode(self, bucket: Bucket) -> None:
        code = bucket.bytecode_to_string()
        try:
            self._file(bucket).write_bytes(sha256(code).digest() + code)
        except OSError as error:
            # The page is made all the same, and compiled again after the next start.
            _log.warning("A compiled page can't be kept in %s: %s", self._folder, error.strerror)
