"""`countersign export`: a workbook, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO, cast

from lms.errors import CountersignError


class NotWrittenError(CountersignError):
    """A file that can't be written; the message names it and says why."""


@contextmanager
def put_in_place(out: Path) -> Iterator[BinaryIO]:
    """Give a file to write that takes the place of `out` when the block ends, and leaves no trace when it raises.

    Raises:
        NotWrittenError: the folder isn't there, can't be written to, or is full.
    """
    try:
        with NamedTemporaryFile(dir=out.parent, prefix=f".{out.name}.", delete=False) as draft:
            path = Path(draft.name)
            try:
                yield cast(BinaryIO, draft)
                draft.flush()
                os.fsync(draft.fileno())
                path.replace(out)
            finally:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise NotWrittenError(
            f"{out} can't be written ({os.strerror(error.errno or 0)}). Nothing was left there. "
            "Choose another folder with --out, or make room."
        ) from error
