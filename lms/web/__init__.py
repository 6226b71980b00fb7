"""The web: one blueprint a module, and the one way that a request runs."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta

from flask import Flask, Response
from flask import session as cookie
from flask.globals import request
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask.typing import ResponseReturnValue
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from lms import keys
from lms.config import PACKAGE, Settings, resource_dir
from lms.db import LOCK_WAIT, db, transaction
from lms.errors import ConfigurationError
from lms.lti.tool_keys import ToolKeys
from lms.web import (
    access,
    admin,
    card,
    errors,
    health,
    inset,
    kiosk,
    learning,
    link_opening,
    lti,
    pages,
    passport,
    platforms,
    presentation,
    reading,
    reception,
    reporting,
    sign_in,
    signing,
)
from lms.web.compiled import kept_in

BLUEPRINTS = (
    learning.blueprint,
    signing.blueprint,
    sign_in.blueprint,
    reporting.blueprint,
    reception.blueprint,
    link_opening.blueprint,
    inset.blueprint,
    # Join's own, with the one tap that confirms a passport.
    passport.blueprint,
    kiosk.blueprint,
    card.blueprint,
    admin.blueprint,
    lti.blueprint,
    platforms.blueprint,
    pages.blueprint,
    health.blueprint,
)


WITHOUT_TOKEN = frozenset({"lti.login", "lti.launch", "lti.proven", "lti.window", "lti.register"})
"""Forms that come from elsewhere, or where no cookies are: a secret of one use in them says that they are meant."""


ASKED_BY_SCRIPT = frozenset({"reception.rows", "reporting.work_progress"})
"""What a page asks for by itself, every few seconds: it neither keeps a session open nor may it overtake another's."""


class SessionCookie(SecureCookieSessionInterface):
    """Flask's, but never sent with what everybody may keep: a proxy would hand one person's to the next."""

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Put the session into the answer, unless it is of nobody's session, or what a script asked for."""
        if request.endpoint not in ASKED_BY_SCRIPT and not access.needs_no_database(request.endpoint):
            super().save_session(app, session, response)


class Application(Flask):
    """Flask, with one transaction a request: committed when the view returns, rolled back when it raises.

    The few views that fetch from outside see to short transactions of their own (`access.sees_to_transactions`).
    """

    session_interface = SessionCookie()

    def dispatch_request(self) -> ResponseReturnValue:
        """Check who may, run the view and commit. A request that may write reads its whole body first."""
        if request.routing_exception is not None or access.needs_no_database(request.endpoint):
            return super().dispatch_request()
        if request.method not in reading.SAFE_METHODS:
            _ = request.form, request.files
        before = deepcopy(dict(cookie))
        try:
            response = self._answer()
        except Exception:
            # Nothing was committed, so nobody may be signed in, out, or told anything by the cookie.
            cookie.clear()
            cookie.update(before)
            access.forget_person()
            raise
        return response

    def _answer(self) -> Response:
        if access.sees_to_transactions(request.endpoint):
            if not access.is_for_anyone(request.endpoint):
                with transaction(write=False):
                    access.check()
            return self.make_response(super().dispatch_request())
        with transaction(write=reading.may_write()):
            access.check()
            response = self.make_response(super().dispatch_request())
            access.check_school_shown()
        reading.finish(response)
        return response


def make_app(settings: Settings) -> Application:
    """Return the app with its settings, templates, blueprints, headers and error pages, without a database yet."""
    app = Application(
        "lms",
        root_path=str(PACKAGE),
        template_folder=str(resource_dir("templates")),
        static_folder=str(PACKAGE / "static"),
    )
    _configure(app, settings)
    presentation.init_app(app)
    app.jinja_env.bytecode_cache = kept_in(settings.data_dir / "templates")
    tokens_of_forms = CSRFProtect(app)
    _sign_in_with(app)
    Migrate(app, db, directory=str(PACKAGE / "migrations"), compare_type=True)
    errors.init_app(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    for endpoint in WITHOUT_TOKEN:
        tokens_of_forms.exempt(app.view_functions[endpoint])
    if settings.trusted_proxies:
        n = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=n, x_proto=n, x_host=n)  # type: ignore[method-assign]
    return app


def _configure(app: Flask, settings: Settings) -> None:
    folder = settings.data_dir
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The setting LMS_DATA_DIR is wrong: {folder} can't be made ({error.strerror})."
        ) from error
    app.config.from_mapping(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key or keys.session_secret(folder),
        LEDGER_KEY=keys.ledger_key(folder),
        LTI_KEYS=ToolKeys(folder),
        SQLALCHEMY_DATABASE_URI=settings.database,
        SQLALCHEMY_ENGINE_OPTIONS=_engine_options(settings.database),
        SESSION_COOKIE_NAME="countersign",
        # In a platform's frame only such a cookie is kept; tokens in forms and frame-ancestors guard what Lax would.
        SESSION_COOKIE_SAMESITE="None" if settings.is_secure else "Lax",
        SESSION_COOKIE_SECURE=settings.is_secure,
        SESSION_COOKIE_PARTITIONED=settings.is_secure,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=12),
        MAX_CONTENT_LENGTH=1024 * 1024,
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(days=365),
        WTF_CSRF_TIME_LIMIT=None,
    )


def _engine_options(url: str) -> dict[str, object]:
    # What people typed, and their names, are in the parameters: they have no place in a log.
    private = {"hide_parameters": True}
    if url.startswith("sqlite"):
        # The one that was used last has what the next one needs: pages it has read, statements it has prepared.
        return {**private, "pool_size": 32, "max_overflow": 32, "pool_use_lifo": True}
    return {
        **private,
        "pool_size": 16,
        "max_overflow": 16,
        "pool_pre_ping": True,
        # Whatever the server's own default: who waits for a lock and then looks again must see what is new.
        "isolation_level": "READ COMMITTED",
        "connect_args": {"options": f"-c lock_timeout={LOCK_WAIT:.0f}s", "connect_timeout": 5},
    }


def _sign_in_with(app: Flask) -> None:
    manager = LoginManager(app)
    manager.user_loader(access.load_user)
