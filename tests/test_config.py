"""Settings are read once, and a wrong one is a sentence that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import create_app
from lms.config import read_settings, resource_dir, smtp_credentials
from lms.errors import ConfigurationError


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("LMS_DATABASE_URL", "mysql://host/name", "must be an sqlite: or postgresql: address"),
        ("LMS_DATABASE_URL", "not a url", "is not a database address"),
        ("LMS_DATABASE_URL", "sqlite:///records.sqlite3", "from the root"),
        ("LMS_DATABASE_URL", "sqlite://", "from the root"),
        ("LMS_SECRET_KEY", "short", "at least 32 characters"),
        ("LMS_BASE_URL", "training.school.test", "must be a web address"),
        ("LMS_BASE_URL", "https://school.test/?a=b", "must be a web address"),
        ("LMS_SMTP_URL", "mail.school.test", "must be a mail server"),
        ("LMS_MAIL_FROM", "Countersign", "must be a sender"),
        ("LMS_TRUSTED_PROXIES", "many", "valid integer"),
        ("LMS_TRUSTED_PROXIES", "9", "less than or equal to 5"),
    ],
)
def test_a_wrong_setting_is_a_sentence_that_names_it(
    name: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=rf"^The setting {name} is wrong: .*{words}"):
        read_settings()


def test_all_wrong_settings_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMS_BASE_URL", "x")
    monkeypatch.setenv("LMS_SMTP_URL", "y")
    with pytest.raises(ConfigurationError) as refusal:
        read_settings()
    assert "LMS_BASE_URL" in str(refusal.value)
    assert "LMS_SMTP_URL" in str(refusal.value)


def test_no_setting_is_needed_to_try_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    settings = read_settings()
    assert settings.database == f"sqlite:///{tmp_path}/countersign/countersign.sqlite3"
    assert not settings.is_secure


def test_a_data_folder_is_where_it_was_named_from_whatever_else_the_framework_would_make_of_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LMS_DATA_DIR", "records")
    assert read_settings().database == f"sqlite:///{tmp_path}/records/countersign.sqlite3"


def test_postgresql_is_spoken_to_by_psycopg_whatever_the_address_calls_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LMS_DATABASE_URL", "postgres://hr:s%40fe@db.school.test/countersign")
    assert read_settings().database == "postgresql+psycopg://hr:s%40fe@db.school.test/countersign"


def test_a_data_folder_that_cannot_be_made_names_the_setting(tmp_path: Path) -> None:
    file = tmp_path / "a-file"
    file.write_text("in the way")
    with pytest.raises(ConfigurationError, match="LMS_DATA_DIR"):
        create_app(read_settings(data_dir=file / "data"))


def test_a_mail_server_is_read_with_its_password_and_its_way_of_encrypting() -> None:
    assert smtp_credentials("smtp://hr%40school:p%3Ass@mail.test") == (
        "mail.test",
        587,
        "hr@school",
        "p:ss",
        False,
    )
    assert smtp_credentials("smtps://mail.test:4650") == ("mail.test", 4650, None, None, True)


@pytest.mark.parametrize("name", ["templates", "scenarios"])
def test_the_pages_and_the_modules_are_found_where_they_are(name: str) -> None:
    assert any(resource_dir(name).iterdir())
