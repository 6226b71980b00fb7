"""What HR does to give somebody a personal link, and what arrives."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask

from lms import jobs
from lms.config import Settings
from lms.people import Person
from tests.client import StrictClient
from tests.mail_server import MailServer
from tests.web.office import Office


def deliver(app: Flask, url: str) -> None:
    settings: Settings = app.config["SETTINGS"]
    with app.app_context():
        jobs.deliver(settings.model_copy(update={"smtp_url": url}), demo=False)


def letters(server: MailServer) -> dict[str, str]:
    """Return what arrived since the last look, by address."""
    found = [server.arrived.get_nowait() for _ in range(server.arrived.qsize())]
    return {str(one["To"]): one.get_content() for one in found}


def link_in(text: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:8000(/link/\S+)", text)
    assert found is not None
    return found[1]


def codes_shown(client: StrictClient) -> list[str]:
    return [code.text_content().strip() for code in client.page.xpath("//dd")]


def send(client: StrictClient, office: Office, person: Person, how: str = "email", **more: Any) -> str:
    """Send or print one person's link as HR does, and return the code that is shown."""
    client.get(f"{office.records}/links", query_string={"person": str(person.id)})
    client.submit(button="Send by e-mail", how=how, **more)
    return next(iter(codes_shown(client)), "")
