"""A website on loopback, and a visitor of it without JavaScript: real HTTP both ways."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urljoin

import requests
from lxml import html
from werkzeug.serving import WSGIRequestHandler, make_server


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        del type, message, args


class Site:
    """An address that is there before its app, which wants to know it: put the app in `app`."""

    def __init__(self) -> None:
        self._server = make_server("127.0.0.1", 0, _nothing, threaded=True, request_handler=_Silent)
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def app(self) -> Any:
        """The app that answers."""
        return self._server.app

    @app.setter
    def app(self, app: Any) -> None:
        self._server.app = app

    @contextmanager
    def open(self) -> Iterator[None]:
        """Answer while the block runs."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


def _nothing(environ: Any, start_response: Any) -> list[bytes]:
    start_response("503 Service Unavailable", [])
    return [b""]


@contextmanager
def sites(count: int) -> Iterator[list[Site]]:
    """Open some sites."""
    if count == 0:
        yield []
        return
    site = Site()
    with site.open(), sites(count - 1) as others:
        yield [site, *others]


class Visitor:
    """Opens pages, keeps cookies, follows where it is led, and presses buttons."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.address = ""
        self.page = html.fromstring("<p></p>")
        self.status = 0

    def open(self, address: str, **fields: Any) -> None:
        """Open an address."""
        self._show(self.session.get(address, params=fields, timeout=30))

    def submit(self, button: str, **fields: Any) -> None:
        """Fill in the form that has this button, and press it."""
        form = next(f for f in self.page.forms if button in " ".join(f.text_content().split()))
        values = {**dict(form.form_values()), **fields}
        target = urljoin(self.address, form.get("action") or "")
        if form.method == "GET":
            self.open(target, **values)
        else:
            self._show(self.session.post(target, data=values, timeout=30))

    def follow(self, words: str) -> None:
        """Follow the first link of the page that has these words."""
        link = next(a for a in self.page.iter("a") if words in a.text_content())
        self.open(urljoin(self.address, link.get("href")))

    def _show(self, response: requests.Response) -> None:
        self.address, self.status = response.url, response.status_code
        self.page = html.fromstring(response.text or "<p></p>")

    @property
    def heading(self) -> str:
        """The page's h1."""
        return " ".join(self.page.xpath("string(//h1)").split())

    @property
    def text(self) -> str:
        """The page's words."""
        return " ".join(self.page.text_content().split())
