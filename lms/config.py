"""Settings, read from the environment and checked once, at start."""

from __future__ import annotations

from email.utils import parseaddr
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit

import platformdirs
from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from lms.errors import ConfigurationError

PACKAGE = Path(__file__).parent


def resource_dir(name: str) -> Path:
    """Return the folder `templates` or `scenarios`: inside the package in a wheel, beside it in a checkout."""
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name


def _database_url(value: str) -> str:
    try:
        url = make_url(value)
    except ArgumentError as error:
        raise ValueError("is not a database address such as postgresql://user@host/name") from error
    if url.drivername in {"postgres", "postgresql"}:
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in {"sqlite", "postgresql+psycopg"}:
        raise ValueError("must be an sqlite: or postgresql: address")
    if url.drivername == "sqlite" and not (url.database or "").removeprefix("file:").startswith("/"):
        raise ValueError(
            "must name the SQLite file from the root, such as sqlite:////srv/countersign.sqlite3"
        )
    return url.render_as_string(hide_password=False)


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be a web address such as https://training.example.sch.uk")
    return value.rstrip("/")


def _smtp_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ValueError("must be a mail server such as smtp://user:password@mail.example.sch.uk:587")
    return value


def _sender(value: str) -> str:
    local, _, domain = parseaddr(value)[1].rpartition("@")
    if not local or not domain:
        raise ValueError("must be a sender such as Countersign <countersign@example.sch.uk>")
    return value


class Settings(BaseSettings):
    """Every setting, by its name in the environment without the prefix `LMS_`."""

    model_config = SettingsConfigDict(env_prefix="LMS_", frozen=True, extra="ignore")

    data_dir: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("countersign")))
    database_url: Annotated[str, AfterValidator(_database_url)] | None = None
    secret_key: Annotated[str, Field(min_length=32)] | None = None
    base_url: Annotated[str, AfterValidator(_web_address)] = "http://127.0.0.1:8000"
    smtp_url: Annotated[str, AfterValidator(_smtp_address)] | None = None
    mail_from: Annotated[str, AfterValidator(_sender)] = "Countersign <countersign@localhost>"
    trusted_proxies: Annotated[int, Field(ge=0, le=5)] = 0
    lti_allow_private_hosts: bool = False

    @property
    def database(self) -> str:
        """The database's address: the one that was set, or an SQLite file in the data folder."""
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'countersign.sqlite3'}"

    @property
    def is_secure(self) -> bool:
        """Whether people reach us over https, so that cookies may be marked Secure."""
        return self.base_url.startswith("https://")


def read_settings(**values: object) -> Settings:
    """Return the settings from the environment, with `values` on top.

    Raises:
        ConfigurationError: one sentence a wrong setting, each naming the variable.
    """
    try:
        return Settings(**values)  # type: ignore[arg-type]
    except ValidationError as error:
        raise ConfigurationError("\n".join(map(_sentence, error.errors()))) from error


def _sentence(fault: object) -> str:
    assert isinstance(fault, dict)
    name = "LMS_" + str(fault["loc"][0]).upper()
    message = str(fault["msg"]).removeprefix("Value error, ")
    return f"The setting {name} is wrong: {message}."


def smtp_credentials(url: str) -> tuple[str, int, str | None, str | None, bool]:
    """Return (host, port, user, password, implicit TLS) of an smtp: or smtps: address."""
    parts = urlsplit(url)
    implicit = parts.scheme == "smtps"
    user = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    return parts.hostname or "", parts.port or (465 if implicit else 587), user, password, implicit
