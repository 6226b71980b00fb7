"""Choosing what to put in a course: the page that a course editor picks from, and the answer to the platform."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from flask import current_app, g, render_template
from flask import request as sent
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from itsdangerous import BadSignature, URLSafeTimedSerializer
from wtforms import HiddenField, RadioField, SelectMultipleField

from lms.clock import day_in_words
from lms.db import session
from lms.errors import ConflictError
from lms.lti import deep_linking
from lms.lti.claims import Claims
from lms.lti.deep_linking import Content, Request
from lms.lti.platforms import Registration, origin
from lms.lti.tool_keys import ToolKeys
from lms.schools import Organisation
from lms.web import access, presentation
from lms.web.lti.blueprint import blueprint

OPEN_FOR = timedelta(hours=12)
"""How long the page may be left open: as long as a session lasts. Most platforms have less patience."""


@dataclass(frozen=True, slots=True)
class Picking:
    """What goes through the browser between the page and the answer: signed, so that it comes back as it was."""

    person: str
    registration: str
    school: str
    product: str
    return_url: str
    request: Request


class OneForm(FlaskForm):  # type: ignore[misc]
    """The choice of one thing, and the request that it answers."""

    picking = HiddenField()
    chosen = RadioField("Choose what to add", validate_choice=False)


class SeveralForm(FlaskForm):  # type: ignore[misc]
    """The choice of one thing or several."""

    picking = HiddenField()
    chosen = SelectMultipleField("Choose what to add", validate_choice=False)


def picker(registration: Registration, school: Organisation, claims: Claims) -> ResponseReturnValue:
    """Return the page to choose from, for a verified request of somebody who may edit courses. One query.

    The claims must have deep linking settings that accept resource links.
    """
    settings = claims.deep_linking
    assert settings is not None
    request = Request(
        issuer=registration.issuer,
        client_id=registration.client_id,
        deployment=claims.deployment,
        accept_multiple=settings.accept_multiple,
        accept_lineitem=settings.accept_lineitem,
        data=settings.data,
    )
    picking = Picking(
        person=str(access.user().person.id),
        registration=str(registration.id),
        school=str(school.id),
        product=claims.product or registration.product,
        return_url=settings.return_url,
        request=request,
    )
    return _page(picking, _form(picking, is_new=True), school, _contents(school))


@blueprint.post("/deep-linking", endpoint="deep_linking")
def answer() -> ResponseReturnValue:
    """Take the choice, and give the browser a form that hands it to the platform, signed."""
    picking = _opened(sent.form.get("picking", ""))
    school = session.get_one(Organisation, UUID(picking.school))
    if "cancel" in sent.form:
        return _hand_back(picking, school, [])
    form, contents = _form(picking), _contents(school)
    wanted = [form.chosen.data] if isinstance(form, OneForm) else form.chosen.data
    chosen = [content for content in contents if content.target in (wanted or ())]
    if not form.validate_on_submit() or not chosen:
        form.chosen.errors = ["Choose what to add to your course"]
        return _page(picking, form, school, contents)
    return _hand_back(picking, school, chosen)


def _contents(school: Organisation) -> list[Content]:
    return deep_linking.contents(school.id, access.request_time())


def _form(picking: Picking, *, is_new: bool = False) -> OneForm | SeveralForm:
    kind = SeveralForm if picking.request.accept_multiple else OneForm
    # What the launch posted is no choice.
    return kind(formdata=None) if is_new else kind()


def _page(
    picking: Picking, form: OneForm | SeveralForm, school: Organisation, contents: list[Content]
) -> ResponseReturnValue:
    g.school, form.picking.data = school, _sealed(picking)
    form.chosen.choices = [(content.target, content.title) for content in contents]
    page = render_template(
        "lti/picker.html",
        form=form,
        school=school,
        contents=contents,
        hints={content.target: _hint(content) for content in contents},
        accepts_several=picking.request.accept_multiple,
        is_moodle=picking.product == "moodle",
    )
    return page, 400 if form.errors else 200


def _hint(content: Content) -> str:
    return f"{content.text} Due by {day_in_words(content.due)}." if content.due else content.text


def _hand_back(picking: Picking, school: Organisation, chosen: list[Content]) -> ResponseReturnValue:
    base_url, now = access.settings().base_url, access.request_time()
    claims = deep_linking.response(picking.request, chosen, base_url=base_url, now=now)
    g.school = school
    presentation.allow_form_to(origin(picking.return_url))
    return render_template(
        "lti/return.html",
        return_url=picking.return_url,
        jwt=cast(ToolKeys, current_app.config["LTI_KEYS"]).sign(claims),
        chosen=chosen,
    )


def _sealed(picking: Picking) -> str:
    return str(_sealer().dumps(asdict(picking)))


def _opened(sealed: str) -> Picking:
    """Return what was sealed for the person who sends it, in a session of the same platform."""
    launched, person = access.lti_session(), access.user().person
    try:
        kept: dict[str, Any] = _sealer().loads(sealed, max_age=int(OPEN_FOR.total_seconds()))
    except BadSignature:
        kept = {}
    owner = (str(person.id), str(launched.registration_id)) if launched else None
    if not kept or owner != (kept["person"], kept["registration"]):
        raise ConflictError(
            "This choice was not made for you, or the page was open too long. Nothing was added. "
            "Go back to your course and choose again."
        )
    return Picking(**{**kept, "request": Request(**kept["request"])})


def _sealer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt="lti-deep-linking")
