"""A strict client: every page a test opens is checked for what every page must have."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any
from urllib.parse import urljoin, urlsplit
from uuid import UUID

import html5lib
from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from werkzeug.test import TestResponse

from lms.attestations import IdentityAssurance

_PLAIN = re.compile(r'(?<! type)="[^"&<>]*"|(?<=>)[^<>&]*[^<>&\s][^<>&]*(?=<)')
"""Values and words that are valid wherever some value or word is."""


def skeleton(text: str) -> str:
    """Return what makes a page valid HTML or not: its tags in their order, and every sign that could be a fault."""
    return _PLAIN.sub(lambda found: '="x"' if found[0].startswith("=") else "x", text)


class StrictClient(FlaskClient):
    """Opens pages, follows links and fills in forms as a person would."""

    application: Flask
    page: html.HtmlElement
    """The last page that was opened."""
    address = "/"

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Open an address, check the page and remember it."""
        response = super().open(*args, **kwargs)
        self.address = response.request.path
        if response.mimetype == "text/html" and not 300 <= response.status_code < 400 and response.data:
            self.page = html.fromstring(response.get_data(as_text=True))
            check_page(response, self.page)
        return response

    def sign_in_as(
        self, person_id: UUID, assurance: IdentityAssurance = IdentityAssurance.WORK_EMAIL
    ) -> None:
        """Put somebody's session in the cookie, as the sign-in pages would."""
        from lms.db import session as database
        from lms.people import Person

        with self.application.app_context():
            person = database.get(Person, person_id)
            assert person is not None
            identity = f"{person.id}.{person.sign_in_epoch}"
            database.remove()
        with self.session_transaction() as cookie:
            cookie["_user_id"] = identity
            cookie["_fresh"] = True
            cookie["assurance"] = assurance.value

    def submit(self, form_index: int = 0, *, button: str | None = None, **fields: Any) -> TestResponse:
        """Fill in a form of the page (of those in main) and press its button; follow where it leads."""
        forms = self.page.xpath("//main//form")
        form = (
            next(f for f in forms if f.xpath(f".//button[contains(normalize-space(.), '{button}')]"))
            if button
            else forms[form_index]
        )
        values: dict[str, Any] = {}
        for name, value in form.form_values():
            values.setdefault(name, []).append(value)
        values |= fields
        target = urljoin(self.address, form.get("action") or self.address)
        if (form.get("method") or "get").lower() == "get":
            return self.get(target, query_string=values, follow_redirects=True)
        return self.post(target, data=values, follow_redirects=True)

    def follow(self, text: str) -> TestResponse:
        """Open the link of the page whose words contain `text`."""
        link = self.page.xpath(f'//a[contains(normalize-space(.), "{text}")]')[0]
        parts = urlsplit(link.get("href"))
        return self.get(
            urljoin(self.address, parts.path) + (f"?{parts.query}" if parts.query else ""),
            follow_redirects=True,
        )

    @property
    def text(self) -> str:
        """The words of the page's main part."""
        return " ".join(self.page.xpath("string(//main)").split())

    @property
    def heading(self) -> str:
        """The page's h1."""
        return " ".join(self.page.xpath("string(//h1)").split())


@lru_cache(4096)
def check_syntax(skeleton: str) -> None:
    """Fail unless this is valid HTML. A page like one before is not read again: the parser is slow."""
    html5lib.HTMLParser(strict=True).parse(skeleton)


def check_page(response: TestResponse, page: html.HtmlElement) -> None:
    """Fail unless a page is valid HTML with a title, one h1, unique ids, and scripts with the response's nonce."""
    text = response.get_data(as_text=True)
    check_syntax(skeleton(text))
    assert page.xpath("string(//title)").strip().endswith("Countersign"), "a page needs a title"
    assert len(page.xpath("//h1")) == 1, "a page has one h1"
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids)), f"ids are unique: {sorted(i for i in ids if ids.count(i) > 1)}"
    assert not page.xpath("//@style | //style | //*[@onclick or @onload]"), "no inline style or handler"
    nonce = re.search(r"'nonce-([^']+)'", response.headers["Content-Security-Policy"])
    assert nonce is not None
    for script in page.xpath("//script"):
        assert script.get("nonce") == nonce.group(1), "a script has the nonce"
    if page.xpath("//*[contains(@class, 'govuk-error-summary')]"):
        assert page.xpath("string(//title)").strip().startswith("Error:"), "an error is in the title"
        assert response.status_code == 400, "a page with errors is a 400"
    assert "{{" not in text, "no template left over"
    assert "[[" not in text, "no placeholder left over"
