"""Files that are kept for a while: in a folder that only the server's user may open, and checked when handed over."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from lms.errors import CountersignError, StorageError

ONLY_OWNER = 0o600


class FileRefused(CountersignError):
    """A kept file isn't there, or isn't what was kept."""


@dataclass(frozen=True, slots=True)
class Folder:
    """Where files are kept. It is made when the first one is."""

    path: Path

    @contextmanager
    def draft(self, name: str) -> Iterator[BinaryIO]:
        """Give a new file to write and read; it stays when the block ends, and is gone when it raises.

        Raises:
            StorageError: the folder can't be written to.
        """
        path = self.path / name
        try:
            file = self._new(path)
        except OSError as error:
            raise StorageError(
                f"The folder {self.path} can't be written to ({error.strerror}). No file was made: see that it "
                "belongs to the user that runs Countersign, and that the disk has room."
            ) from error
        try:
            with file:
                yield file
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def _new(self, path: Path) -> BinaryIO:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Whatever an earlier attempt, or anybody else, left under this name isn't written to.
        path.unlink(missing_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, ONLY_OWNER)
        return cast(BinaryIO, os.fdopen(handle, "w+b"))

    def open_checked(self, name: str, sha256: str) -> BinaryIO:
        """Open a kept file, at its beginning, if its SHA-256 (in hex) is what it was.

        Raises:
            FileRefused: it is gone, or was changed since.
        """
        try:
            file = os.fdopen(os.open(self.path / name, os.O_RDONLY | os.O_NOFOLLOW), "rb")
        except OSError as error:
            raise FileRefused(
                f"The file isn’t on the server any more ({error.strerror}). Make it again."
            ) from error
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            file.close()
            raise FileRefused(
                "The file on the server is not the one that was made: somebody or something changed it. It is not "
                "handed over. Make it again, and tell your administrator."
            )
        file.seek(0)
        return file

    def names(self) -> set[str]:
        """Return the names of the files that are there."""
        return {path.name for path in self.path.iterdir()} if self.path.is_dir() else set()

    def remove(self, names: Collection[str]) -> None:
        """Remove these files, where they are there."""
        for name in names:
            (self.path / name).unlink(missing_ok=True)
