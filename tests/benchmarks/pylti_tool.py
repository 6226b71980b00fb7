"""What Countersign's launch is measured against: a tool as one would write it with PyLTI1p3 2.0.0 and Flask.

It keeps its launch data in a table of an SQLite file by Flask-SQLAlchemy, each value in one statement and one commit.
Its first page is ours, from the same templates, with what there is to do given and not looked up. Its platform's keys
are in its configuration, so that it never fetches them. It knows no people, keeps no log, and a launch can be replayed.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask, redirect, render_template, request, url_for
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from jinja2 import ChoiceLoader, PackageLoader, PrefixLoader
from pylti1p3.contrib.flask import FlaskMessageLaunch, FlaskOIDCLogin, FlaskRequest
from pylti1p3.launch_data_storage.base import LaunchDataStorage
from pylti1p3.tool_config import ToolConfDict
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from lms.clock import day_in_words
from lms.config import PACKAGE, resource_dir
from lms.lti.platforms import Registration
from lms.my_training import Task
from lms.web.due import due_in_words
from lms.web.presentation import csp_nonce


class Base(DeclarativeBase):
    """The tool's own tables."""


class LaunchData(Base):
    """A value that PyLTI1p3 wants kept: a nonce, a launch."""

    __tablename__ = "pylti_launch_data"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(sa.JSON)
    expires: Mapped[datetime]


db = SQLAlchemy(model_class=Base)


class Kept(LaunchDataStorage):  # type: ignore[misc]
    """Launch data in the table."""

    def can_set_keys_expiration(self) -> bool:
        return True

    def get_value(self, key: str) -> Any:
        wanted = LaunchData.key == self._prepare_key(key), LaunchData.expires > _now()
        return db.session.scalar(sa.select(LaunchData.value).where(*wanted))

    def set_value(self, key: str, value: Any, exp: int | None = None) -> None:
        values = {"value": value, "expires": _now() + timedelta(seconds=exp or 3600)}
        insert = sqlite.insert(LaunchData).values(key=self._prepare_key(key), **values)
        db.session.execute(insert.on_conflict_do_update(index_elements=["key"], set_=values))
        db.session.commit()

    def check_value(self, key: str) -> bool:
        return self.get_value(key) is not None


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def tool(file: Path, registration: Registration, deployment: str, tasks: list[Task], today: Any) -> Flask:
    """Return the tool: `/login`, `/launch`, which leads to `/page/<launch>`."""
    app = _app(file)
    config = ToolConfDict(
        {
            registration.issuer: [
                {
                    "default": True,
                    "client_id": registration.client_id,
                    "auth_login_url": registration.authorization_endpoint,
                    "auth_token_url": registration.token_endpoint,
                    "key_set": registration.keys,
                    "deployment_ids": [deployment],
                }
            ]
        }
    )

    @app.post("/login")
    def login() -> Any:
        asked = FlaskRequest()
        begun = FlaskOIDCLogin(asked, config, launch_data_storage=Kept())
        return begun.redirect(asked.get_param("target_link_uri"))

    @app.post("/launch")
    def launch() -> Any:
        made = FlaskMessageLaunch(FlaskRequest(), config, launch_data_storage=Kept())
        made.get_launch_data()
        return redirect(url_for("page", launch=made.get_launch_id()))

    @app.get("/page/<launch>")
    def page(launch: str) -> Any:
        kept = FlaskMessageLaunch.from_cache(launch, FlaskRequest(), config, launch_data_storage=Kept())
        assert kept.get_launch_data()["sub"]
        return render_template("learning/home.html", to_do=tasks, today=today, **_frame(tasks))

    CSRFProtect(app).exempt(login)
    app.extensions["csrf"].exempt(launch)
    return app


def _app(file: Path) -> Flask:
    app = Flask("tool", template_folder=resource_dir("templates"), static_folder=PACKAGE / "static")
    app.config.update(SECRET_KEY="0" * 64, SQLALCHEMY_DATABASE_URI=f"sqlite:///{file}")
    assert app.jinja_loader is not None
    govuk = PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")})
    app.jinja_loader = ChoiceLoader([app.jinja_loader, govuk])
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(csp_nonce=csp_nonce, due_in_words=due_in_words)
    app.jinja_env.filters.update(london_day=day_in_words)
    # Where the page's links lead.
    for name, rule in {
        "learning.home": "/home",
        "learning.module": "/modules/<slug>",
        "lti.new_tab": "/new-tab",
        "signing.sign": "/sign/<assignment>",
    }.items():
        app.add_url_rule(rule, endpoint=name, view_func=lambda **_: "")
    db.init_app(app)
    with app.app_context():
        db.create_all()
    return app


def _frame(tasks: list[Task]) -> dict[str, Any]:
    """Return what base.html takes, for a page in a platform's frame."""
    return {
        "school": tasks[0].school,
        "lti": True,
        "wide": False,
        "shown_at": url_for("learning.home"),
        "here": request.path,
        "navigation": [{"text": "My training", "href": url_for("learning.home"), "current": True}],
        "sign_out_url": None,
        "coming_up": [],
        "settled": [],
        "many_schools": False,
    }
