"""Personal links in the hands of their owners, who open them with a code."""

from __future__ import annotations

import re
from datetime import timedelta

import sqlalchemy as sa
from flask import Flask

from lms.attestations import Attestation, IdentityAssurance
from lms.audit import Event
from lms.db import session, transaction
from lms.help_requests import HelpKind, HelpRequest
from lms.people import Person, RoleName, end_engagement, give_role
from tests.client import StrictClient
from tests.conftest import Clock
from tests.factories import engagement_of
from tests.mail_server import MailServer
from tests.web.links.steps import codes_shown, deliver, letters, link_in, send
from tests.web.office import Office, cells


def test_a_governor_opens_her_link_gives_the_code_and_signs(
    app: Flask, hr: StrictClient, office: Office, sian: Person, server: MailServer, phone: StrictClient
) -> None:
    code = send(hr, office, sian)
    deliver(app, server.url)
    text = letters(server)["sian@governors.test"]
    assert code not in text
    phone.get(link_in(text))
    assert "Siân" not in phone.text
    phone.submit(code=code.lower().replace("-", " "))
    assert phone.heading == "You are Siân Llŷr, governor at Ysgol Môr"
    phone.submit(answer="me")
    assert phone.address == "/"
    phone.get(f"/sign/{office.assignment.id}")
    phone.submit(typed_name="Siân Llŷr", statement="y")
    with app.app_context(), transaction(write=False):
        signed = session.scalars(sa.select(Attestation)).one()
        assert signed.identity_assurance is IdentityAssurance.LINK_AND_HANDED_CODE
    assert "gave the code that the school handed over" in phone.text
    phone.get(link_in(text))
    assert phone.heading == "Nothing left to sign"
    hr.get(f"{office.records}/links")
    assert cells(hr, "Status") == ["Signed"]


def test_opening_a_link_spends_nothing_and_it_works_again_with_the_same_code(
    app: Flask, hr: StrictClient, office: Office, sian: Person, server: MailServer, time: Clock
) -> None:
    code = send(hr, office, sian)
    deliver(app, server.url)
    path = link_in(letters(server)["sian@governors.test"])
    for day in (0, 3, 13):
        time.now += timedelta(days=day - (time.now.day - 7))
        phone = app.test_client()
        assert isinstance(phone, StrictClient)
        phone.get(path)
        phone.get(path)
        phone.submit(code=code)
        assert "Siân Llŷr" in phone.heading


def test_the_code_goes_to_a_second_address_only_where_hr_typed_one(
    app: Flask, hr: StrictClient, office: Office, sian: Person, server: MailServer, phone: StrictClient
) -> None:
    assert send(hr, office, sian, second="Sian@home.test") == ""
    deliver(app, server.url)
    arrived = letters(server)
    assert set(arrived) == {"sian@governors.test", "sian@home.test"}
    code = re.search(r"\b([2-9A-Z]{3}-[2-9A-Z]{3})\b", arrived["sian@home.test"])
    assert code is not None
    assert "/link/" not in arrived["sian@home.test"]
    phone.get(link_in(arrived["sian@governors.test"]))
    phone.submit(code=code[1])
    phone.submit(answer="me")
    with phone.session_transaction() as cookie:
        assert cookie["assurance"] == "link_and_sent_code"


def test_five_wrong_codes_lock_the_link_and_tell_hr(
    app: Flask, hr: StrictClient, office: Office, sian: Person, server: MailServer, phone: StrictClient
) -> None:
    code = send(hr, office, sian)
    deliver(app, server.url)
    path = link_in(letters(server)["sian@governors.test"])
    phone.get(path)
    phone.submit(code="K0QM2X")
    assert "never has 0" in phone.text
    for left in (4, 3, 2, 1):
        phone.submit(code="222222")
        assert f"you have {left} tr" in phone.text
    assert phone.submit(code="222222").status_code == 410
    phone.get(path)
    assert "locked" in phone.text
    assert not phone.page.xpath("//main//form")
    deliver(app, server.url)
    (told,) = letters(server).values()
    assert "Siân Llŷr" in told
    assert len(office.audited(Event.LINK_LOCKED)) == 1
    hr.get(f"{office.records}/links")
    assert cells(hr, "Status") == ["Locked"]
    assert code not in hr.text


def test_this_isnt_me_ends_the_link_and_tells_hr(
    app: Flask, hr: StrictClient, office: Office, sian: Person, server: MailServer, phone: StrictClient
) -> None:
    code = send(hr, office, sian)
    deliver(app, server.url)
    path = link_in(letters(server)["sian@governors.test"])
    phone.get(path)
    phone.submit(code=code)
    phone.submit(answer="not-me")
    assert "HR has been told" in phone.text
    assert phone.get("/").status_code == 302
    assert phone.get(path).status_code == 410
    with app.app_context(), transaction(write=False):
        assert session.scalars(sa.select(HelpRequest)).one().kind is HelpKind.NOT_ME
    deliver(app, server.url)
    assert "This isn’t me" in "".join(letters(server).values())


def test_sending_again_kills_the_old_link_and_code(
    app: Flask, hr: StrictClient, office: Office, sian: Person, server: MailServer, phone: StrictClient
) -> None:
    first = send(hr, office, sian)
    deliver(app, server.url)
    old = link_in(letters(server)["sian@governors.test"])
    hr.get(f"{office.records}/links")
    hr.submit(button="Send again")
    (second,) = codes_shown(hr)
    deliver(app, server.url)
    new = link_in(letters(server)["sian@governors.test"])
    assert phone.get(old).status_code == 410
    phone.get(new)
    assert phone.submit(code=first).status_code == 400
    phone.submit(code=second)
    assert "Siân" in phone.heading


def test_revoking_ends_the_link_and_the_open_session_at_once(
    app: Flask, hr: StrictClient, office: Office, sian: Person, server: MailServer, phone: StrictClient
) -> None:
    code = send(hr, office, sian)
    deliver(app, server.url)
    path = link_in(letters(server)["sian@governors.test"])
    phone.get(path)
    phone.submit(code=code)
    phone.submit(answer="me")
    assert phone.get("/").status_code == 200
    hr.get(f"{office.records}/links")
    hr.submit(button="Revoke")
    assert "Revoked" in hr.text
    assert phone.get("/").status_code == 302
    assert phone.get(path).status_code == 410
    assert len(office.audited(Event.LINK_REVOKED)) == 1


def test_a_leaver_is_refused_in_words(
    hr: StrictClient, office: Office, sian: Person, phone: StrictClient, time: Clock
) -> None:
    send(hr, office, sian, how="letter")
    path = link_in(hr.page.xpath("string(//article)"))
    office.do(
        lambda: end_engagement(engagement_of(sian), ends=time.now.date() - timedelta(days=1), now=time.now)
    )
    assert phone.get(path).status_code == 410
    assert "no longer work there" in phone.text


def test_a_link_opens_no_role_that_its_person_has(
    hr: StrictClient, office: Office, phone: StrictClient
) -> None:
    admin = office.add(forename="Ada", surname="Admin", role=RoleName.ADMIN)
    office.do(lambda: give_role(admin, office.school.id, RoleName.HR))
    code = send(hr, office, admin, how="letter")
    phone.get(link_in(hr.page.xpath("string(//article)")))
    phone.submit(code=code)
    phone.submit(answer="me")
    assert phone.get(office.records).status_code == 404
    assert phone.get("/admin").status_code == 403
