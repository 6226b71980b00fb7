"""What is kept of templates from one start to the next, and that no page depends on it."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment
from jinja2.bccache import BytecodeCache

from lms.web.compiled import kept_in


class Reader(Environment):
    """Templates of somebody who can't compile."""

    def compile(self, *_given: object, **_named: object) -> None:  # type: ignore[override]
        raise AssertionError("it was compiled again")


def page(
    cache: BytecodeCache | None, kind: type[Environment] = Environment, text: str = "{{ 20 + 1 }}"
) -> str:
    return (
        kind(loader=DictLoader({"page.html": text}), bytecode_cache=cache).get_template("page.html").render()
    )


def test_what_one_start_compiled_the_next_finds(tmp_path: Path) -> None:
    assert page(kept_in(tmp_path / "templates")) == "21"
    assert page(kept_in(tmp_path / "templates"), Reader) == "21"
    assert (tmp_path / "templates").stat().st_mode & 0o777 == 0o700


def test_a_template_that_was_changed_is_compiled_anew(tmp_path: Path) -> None:
    assert page(kept_in(tmp_path / "templates")) == "21"
    assert page(kept_in(tmp_path / "templates"), text="{{ 20 + 2 }}") == "22"


def test_what_is_kept_damaged_is_compiled_anew(tmp_path: Path) -> None:
    assert page(kept_in(tmp_path / "templates")) == "21"
    for file in (tmp_path / "templates").iterdir():
        file.write_bytes(file.read_bytes()[:40])
    assert page(kept_in(tmp_path / "templates")) == "21"


def test_where_nothing_can_be_kept_the_page_is_there_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = kept_in(tmp_path / "templates")
    shutil.rmtree(tmp_path / "templates")
    with caplog.at_level(logging.WARNING):
        assert page(cache) == "21"
    assert "can't be kept" in caplog.text
    (tmp_path / "a file").write_text("")
    assert kept_in(tmp_path / "a file") is None
    assert page(None) == "21"
