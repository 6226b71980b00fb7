"""Kept files: for their owner's eyes, and handed over only as they were made."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from lms.errors import StorageError
from lms.kept_files import FileRefused, Folder

WRITTEN = b"who has signed"
SHA256 = hashlib.sha256(WRITTEN).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "data" / "work")
    with made.draft("one") as file:
        file.write(WRITTEN)
    return made


def test_a_kept_file_is_handed_over_and_only_its_owner_can_open_it(folder: Folder) -> None:
    with folder.open_checked("one", SHA256) as file:
        assert file.read() == WRITTEN
    assert (folder.path / "one").stat().st_mode & 0o777 == 0o600
    assert folder.path.stat().st_mode & 0o777 == 0o700


def test_a_file_that_was_changed_replaced_or_removed_is_refused(folder: Folder, tmp_path: Path) -> None:
    (folder.path / "one").write_bytes(WRITTEN + b".")
    with pytest.raises(FileRefused, match="not the one that was made"):
        folder.open_checked("one", SHA256)
    (folder.path / "one").unlink()
    (tmp_path / "elsewhere").write_bytes(WRITTEN)
    (folder.path / "one").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileRefused, match="on the server"):
        folder.open_checked("one", SHA256)
    folder.remove({"one", "never there"})
    assert folder.names() == set()
    with pytest.raises(FileRefused, match="any more"):
        folder.open_checked("one", SHA256)


def test_what_fails_half_way_leaves_nothing_and_what_was_left_is_not_written_to(
    folder: Folder, tmp_path: Path
) -> None:
    def fail() -> None:
        with folder.draft("half") as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert folder.names() == {"one"}
    (tmp_path / "elsewhere").write_bytes(b"precious")
    (folder.path / "half").symlink_to(tmp_path / "elsewhere")
    with folder.draft("half") as file:
        file.write(b"new")
    assert (tmp_path / "elsewhere").read_bytes() == b"precious"


def test_a_folder_that_cannot_be_written_to_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "work").write_text("in the way")
    with pytest.raises(StorageError, match="can't be written to"), Folder(tmp_path / "work").draft("one"):
        pass
    assert Folder(tmp_path / "nowhere").names() == set()
