"""A course page of an LMS on another site, with the tool in a frame; and the sign-in that the tool is sent to."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from flask import Flask, render_template_string
from flask.globals import request
from markupsafe import Markup
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from lms import clock
from lms.lti.claims import AGS
from tests.lti import forger

SCORE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
CHOOSE = "choose"
"""The hint of a course editor who chooses an activity."""

COURSE = """<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">
<title>Safeguarding for staff</title><h1>Safeguarding for staff</h1>
<script>
const kept = {}, heard = [];
addEventListener("message", ({ data, origin, source }) => {
  heard.push({ origin, ...data });
  if ({{ silent|tojson }} || !data?.subject?.startsWith("lti.")) return;
  const reply = { subject: data.subject + ".response", message_id: data.message_id, key: data.key };
  if (data.subject === "lti.put_data") kept[data.key] = data.value;
  if ({{ forgetful|tojson }} && data.subject === "lti.get_data") return;
  reply.value = {{ answer|tojson }} ?? kept[data.key];
  source.postMessage({ ...reply, message_id: "of somebody else", value: "x" }, origin);
  source.postMessage(reply, origin);
});
</script>
<iframe name="tool" title="Countersign" width="{{ width }}" height="800" {{ sandbox }} src="{{ start }}"></iframe>"""
SANDBOX = Markup('sandbox="allow-scripts allow-forms allow-popups allow-popups-to-escape-sandbox"')
# The frame that keeps things comes once the tool has asked: what it asked before is lost.
WITH_STORAGE_FRAME = """<!doctype html><html lang="en"><title>Course</title><h1>Course</h1>
<iframe name="tool" title="Countersign" width="900" height="800" src="{{ start }}"></iframe>
<script>
document.querySelector("iframe").addEventListener("load", () => {
  const storage = document.createElement("iframe");
  Object.assign(storage, { name: "platform_storage", title: "Storage", src: "{{ keeper }}/storage" });
  document.body.append(storage);
}, { once: true });
</script>"""
STORAGE = """<!doctype html><html lang="en"><title>Storage</title><h1>Storage</h1>
<script>
const kept = {}, heard = [];
addEventListener("message", ({ data, origin, source }) => {
  heard.push(data);
  if (data.subject === "lti.put_data") kept[data.key] = data.value;
  const { subject, message_id, key } = data;
  source.postMessage({ subject: subject + ".response", message_id, key, value: kept[key] }, origin);
});
</script>"""
SEND = """<!doctype html><html lang="en"><title>Signing in</title><form method="post" action="{{ to }}">
<input type="hidden" name="id_token" value="{{ token }}"><input type="hidden" name="state" value="{{ state }}">
<button>Go on</button></form><script>document.forms[0].submit()</script>"""


class Course:
    """A platform with one course page. Its `address` and the `tool`'s are to be set before it is used.

    `keeper` is the address of a frame that keeps things in its name; `lineitem` is where its grade book takes scores.
    """

    def __init__(self) -> None:
        self.address, self.tool = "", ""
        self.keeper = self.lineitem = ""
        self.hints: list[str] = []
        self.app = Flask(__name__)
        self.app.add_url_rule("/course", view_func=self.course)
        self.app.add_url_rule("/storage", view_func=lambda: STORAGE)
        self.app.add_url_rule("/mod/lti/auth.php", view_func=self.auth)
        self.app.add_url_rule("/mod/lti/contentitem_return.php", view_func=self.chosen, methods=["POST"])

    def page(self, *, user: str = "priya", hint: str = "see", **shown: object) -> str:
        """Return the address of the course page, as this user sees it.

        `storage` says how it keeps things for the tool; `open` frames a page of the tool instead of launching it;
        `sandbox` keeps it from its origin.
        """
        return f"{self.address}/course?{urlencode({'user': user, 'hint': hint, **shown})}"

    def course(self) -> str:
        """Show the tool in a frame, which begins at its login."""
        shown = request.args
        storage = shown.get("storage")
        sent = {
            "iss": self.address,
            "client_id": forger.CLIENT_ID,
            "login_hint": shown["user"],
            # Another one each time: it serves once.
            "lti_message_hint": f"{shown['hint']}-{len(self.hints)}",
            "lti_deployment_id": forger.DEPLOYMENT,
            "target_link_uri": f"{self.tool}/lti/deep-linking"
            if shown["hint"] == CHOOSE
            else f"{self.tool}/",
        }
        if storage:
            sent["lti_storage_target"] = "platform_storage" if storage == "frame" else "_parent"
        return render_template_string(
            WITH_STORAGE_FRAME if storage == "frame" else COURSE,
            start=self.tool + shown.get("open", f"/lti/login?{urlencode(sent)}"),
            keeper=self.keeper or self.address,
            silent=storage == "silent",
            forgetful=storage == "forgetful",
            answer="another" if storage == "wrong" else None,
            width=shown.get("width", 900),
            sandbox=SANDBOX if "sandbox" in shown else "",
        )

    def auth(self) -> str:
        """Say who it is: whoever the login's hint names is signed in here."""
        asked = request.args
        assert asked["lti_message_hint"] not in self.hints
        assert asked["redirect_uri"] == f"{self.tool}/lti/launch"
        self.hints.append(asked["lti_message_hint"])
        return render_template_string(
            SEND,
            to=asked["redirect_uri"],
            token=forger.signed(
                self._message(asked["nonce"], asked["login_hint"], asked["lti_message_hint"])
            ),
            state=asked["state"],
        )

    def chosen(self) -> str:
        """Take what was chosen."""
        return f"<!doctype html><title>Added</title><h1>Added</h1>{'JWT' in request.form}"

    def _message(self, nonce: str, user: str, hint: str) -> dict[str, Any]:
        said = {
            "iss": self.address,
            "sub": user,
            "given_name": user.capitalize(),
            "name": f"{user.capitalize()} Nair",
            "email": f"{user}@school.test",
            "target_link_uri": f"{self.tool}/",
            "launch_presentation": {"return_url": f"{self.address}/return"},
            "now": clock.now(),
        }
        if hint.startswith(CHOOSE):
            message = forger.deep_linking(nonce, **said)
            settings = message[forger.DEEP_LINKING_SETTINGS]
            settings["deep_link_return_url"] = f"{self.address}/mod/lti/contentitem_return.php"
            return message
        role = forger.ADMINISTRATOR if user == "head" else forger.LEARNER
        grades = {"scope": [SCORE], "lineitem": self.lineitem}
        return forger.message(nonce, **said, roles=[role], **({AGS: grades} if self.lineitem else {}))


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        del type, message, args


@contextmanager
def served(server: BaseWSGIServer, certificate: ssl.SSLContext) -> Iterator[int]:
    """Serve over https by threads, which shake hands themselves: a browser opens connections that it may not use."""
    server.socket = certificate.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.ssl_context = certificate
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def server_at(port: int, app: Any) -> BaseWSGIServer:
    """Return a server of an app at a port of this computer; 0 is any that is free."""
    return make_server("127.0.0.1", port, app, threaded=True, request_handler=_Silent)
