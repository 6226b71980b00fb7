"""What we take of other servers: an answer that is whole, in time, of the length we said, from where we asked."""

from __future__ import annotations

import gzip
import socket
import threading
import time as wall

import pytest
import trustme

from lms.lti.fetching import AddressRefusedError, Answer, FetchError
from tests.lti.serving import OURS, TRIAL, Answering, certified, moved, ok, refused, sending, serving


def test_an_answer_comes_with_its_status_headers_and_body() -> None:
    answering, asked = sending(ok(b'{"a": 1}', Link="<x>", link="<y>"))
    with serving(answering) as port:
        answer = TRIAL.fetch("GET", f"http://127.0.0.1:{port}/keys?of=Us#part", headers={"X-One": "1"})
    assert (answer.status, answer.json_object(), answer.headers["LINK"]) == (200, {"a": 1}, "<x>, <y>")
    first, *rest = asked[0].split("\r\n")
    assert first == "GET /keys?of=Us HTTP/1.1"
    assert {f"Host: 127.0.0.1:{port}", "X-One: 1", "Accept-Encoding: identity"} <= set(rest)
    assert any(line.startswith("User-Agent: Countersign/") for line in rest)


def test_an_answer_of_any_status_is_given_back_as_it_is() -> None:
    answering, _ = sending(b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n")
    with serving(answering) as port:
        answer = TRIAL.fetch("POST", f"http://127.0.0.1:{port}/", body=b"x")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "7")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}", b"null"]
)
def test_what_is_not_a_json_object_is_said_not_to_be_one(body: bytes) -> None:
    with pytest.raises(FetchError, match=r"^moodle\.example answered with"):
        Answer("moodle.example", 200, {}, body).json_object()


def test_https_names_the_server_and_checks_its_certificate(
    dns: dict[str, list[str]], authority: trustme.CA
) -> None:
    dns["lms.example"] = ["127.0.0.1"]
    answering, asked = sending(ok(b"{}"))
    named: list[str] = []
    with serving(answering, certified(authority, "lms.example", named)) as port:
        assert TRIAL.fetch("GET", f"https://lms.example:{port}/").body == b"{}"
    assert named == ["lms.example"]
    assert f"Host: lms.example:{port}" in asked[0]


def test_a_certificate_for_another_name_is_refused_in_words(
    dns: dict[str, list[str]], authority: trustme.CA
) -> None:
    dns["lms.example"] = ["127.0.0.1"]
    answering, asked = sending(ok(b"{}"))
    with serving(answering, certified(authority, "other.example", [])) as port:
        error = refused(TRIAL, f"https://lms.example:{port}/")
    assert str(error).startswith("lms.example shows a certificate that can't be trusted")
    assert asked == []


def test_a_certificate_of_nobody_we_trust_is_refused_in_words(dns: dict[str, list[str]]) -> None:
    dns["lms.example"] = ["127.0.0.1"]
    answering, asked = sending(ok(b"{}"))
    with serving(answering, certified(trustme.CA(), "lms.example", [])) as port:
        error = refused(TRIAL, f"https://lms.example:{port}/")
    assert str(error).startswith("lms.example shows a certificate that can't be trusted")
    assert asked == []


def test_a_port_that_speaks_no_https_is_said_to_be_one() -> None:
    answering, _ = sending(ok(b"{}"))
    with serving(answering) as port:
        error = refused(TRIAL, f"https://127.0.0.1:{port}/")
    assert str(error) == "127.0.0.1 does not speak https on that port as it should."


def dripping(head: bytes, let_go: threading.Event) -> Answering:
    def answering(connection: socket.socket, question: str) -> None:
        del question
        connection.sendall(head)
        while not let_go.wait(0.05):
            connection.sendall(b"a")

    return answering


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;",
    ],
)
@pytest.mark.parametrize("secure", [False, True])
def test_a_server_that_drips_is_cut_off_when_the_whole_time_is_up(
    dns: dict[str, list[str]], authority: trustme.CA, head: bytes, secure: bool
) -> None:
    dns["lms.example"] = ["127.0.0.1"]
    let_go = threading.Event()
    context = certified(authority, "lms.example", []) if secure else None
    with serving(dripping(head, let_go), context) as port:
        began = wall.monotonic()
        scheme = "https" if secure else "http"
        error = refused(TRIAL, f"{scheme}://lms.example:{port}/", within=0.4)
        took = wall.monotonic() - began
        let_go.set()
    assert str(error) == "lms.example took longer than 0.4 seconds to answer."
    assert took < 2


def test_a_server_that_says_nothing_is_left_when_the_time_is_up() -> None:
    let_go = threading.Event()
    with serving(lambda _connection, _question: let_go.wait(30)) as port:  # type: ignore[arg-type,return-value]
        error = refused(TRIAL, f"http://127.0.0.1:{port}/", within=0.3)
        let_go.set()
    assert str(error) == "127.0.0.1 took longer than 0.3 seconds to answer."


def test_a_slow_answer_in_front_of_a_redirect_counts_towards_the_whole_time() -> None:
    def answering(connection: socket.socket, question: str) -> None:
        del question
        wall.sleep(0.2)
        connection.sendall(moved("/again"))

    with serving(answering) as port:
        error = refused(TRIAL, f"http://127.0.0.1:{port}/", within=0.5)
    assert str(error) == "127.0.0.1 took longer than 0.5 seconds to answer."


def test_a_name_that_nobody_looks_up_in_time_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: let_go.wait(30) and [])
    began = wall.monotonic()
    error = refused(OURS, "https://lms.example/", within=0.2)
    took = wall.monotonic() - began
    let_go.set()
    assert str(error) == "lms.example took longer than 0.2 seconds to answer."
    assert took < 2


def test_a_name_that_does_not_exist_is_said_not_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert (
        str(refused(OURS, "https://lms.example/"))
        == "lms.example can't be found. Check the address for a slip."
    )


def endless(head: bytes, part: bytes) -> Answering:
    def answering(connection: socket.socket, question: str) -> None:
        del question
        connection.sendall(head)
        while True:
            connection.sendall(part)

    return answering


@pytest.mark.parametrize(
    ("head", "part"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 10_000),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n", b"a" * 10_000),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"2710\r\n" + b"a" * 10_000 + b"\r\n"),
    ],
)
def test_an_answer_without_end_is_cut_off_at_its_limit(head: bytes, part: bytes) -> None:
    with serving(endless(head, part)) as port:
        error = refused(TRIAL, f"http://127.0.0.1:{port}/", most_bytes=200_000)
    assert str(error) == "127.0.0.1 answered with more than 0.2 MB, which is too long."


def test_an_answer_may_be_as_long_as_its_limit_and_no_longer() -> None:
    answering, _ = sending(ok(b"a" * 200_000), ok(b"a" * 200_001))
    with serving(answering) as port:
        address = f"http://127.0.0.1:{port}/"
        assert len(TRIAL.fetch("GET", address, most_bytes=200_000).body) == 200_000
        refused(TRIAL, address, most_bytes=200_000)


def test_what_was_packed_small_is_bounded_by_what_it_unpacks_to() -> None:
    bomb = gzip.compress(gzip.compress(b"\0" * 100_000_000))
    answering, _ = sending(ok(bomb, Content_Encoding="gzip, gzip"))
    with serving(answering) as port:
        error = refused(TRIAL, f"http://127.0.0.1:{port}/")
    assert "more than 1 MB" in str(error)


def test_a_small_answer_that_was_packed_unasked_is_read() -> None:
    answering, _ = sending(ok(gzip.compress(b'{"a": 1}'), Content_Encoding="gzip"))
    with serving(answering) as port:
        assert TRIAL.fetch("GET", f"http://127.0.0.1:{port}/").json_object() == {"a": 1}


@pytest.mark.parametrize(
    "half",
    [
        ok(b'{"a": 1}', Content_Length="100"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nabc",
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        ok(b"not packed", Content_Encoding="gzip"),
    ],
)
def test_an_answer_that_is_not_whole_is_none(half: bytes) -> None:
    answering, _ = sending(half)
    with serving(answering) as port:
        error = refused(TRIAL, f"http://127.0.0.1:{port}/")
    assert str(error) == "127.0.0.1 broke off before its answer was whole."


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_get_follows_redirects_on_the_same_server(status: int) -> None:
    answering, asked = sending(moved("/two?x=1", status), moved("three", status), moved("/four"), ok(b"{}"))
    with serving(answering) as port:
        assert TRIAL.fetch("GET", f"http://127.0.0.1:{port}/one").status == 200
    assert [question.split()[1] for question in asked] == ["/one", "/two?x=1", "/three", "/four"]


def test_a_fourth_redirect_is_one_too_many() -> None:
    answering, asked = sending(moved("/again"))
    with serving(answering) as port:
        error = refused(TRIAL, f"http://127.0.0.1:{port}/one")
    assert str(error) == "127.0.0.1 redirects again and again. Check the address."
    assert len(asked) == 4


@pytest.mark.parametrize(
    "onwards",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost:{port}/",
        "http://127.0.0.1:1/",
        "http://user:pass@127.0.0.1:{port}/",
        "file:///etc/passwd",
        "//other.example/",
        "http://[bad/",
        "http://2130706433:{port}/",
    ],
)
def test_a_redirect_to_another_place_is_not_followed(onwards: str) -> None:
    asked: list[str] = []

    def answering(connection: socket.socket, question: str) -> None:
        asked.append(question)
        connection.sendall(moved(onwards.format(port=connection.getsockname()[1])))

    with serving(answering) as port:
        error = refused(TRIAL, f"http://127.0.0.1:{port}/")
    assert isinstance(error, AddressRefusedError)
    assert len(asked) == 1


def test_a_redirect_from_https_to_http_is_not_followed(
    dns: dict[str, list[str]], authority: trustme.CA
) -> None:
    dns["lms.example"] = ["127.0.0.1"]
    answering, _ = sending(moved("http://lms.example/"))
    with serving(answering, certified(authority, "lms.example", [])) as port:
        error = refused(TRIAL, f"https://lms.example:{port}/")
    assert "don't follow" in str(error)


def test_what_is_posted_is_never_sent_on() -> None:
    answering, asked = sending(moved("/two", 307))
    with serving(answering) as port:
        error = refused(TRIAL, f"http://127.0.0.1:{port}/one", "POST", body=b"secret")
    assert "127.0.0.1 redirects to" in str(error)
    assert len(asked) == 1


def test_a_proxy_that_the_environment_names_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    proxied, asked_proxy = sending(ok(b'"proxy"'))
    answering, _ = sending(ok(b'"server"'))
    with serving(proxied) as proxy, serving(answering) as port:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy}")
        assert TRIAL.fetch("GET", f"http://127.0.0.1:{port}/").body == b'"server"'
    assert asked_proxy == []


def test_a_second_address_is_tried_where_the_first_takes_no_connections(dns: dict[str, list[str]]) -> None:
    dns["lms.example"] = ["127.0.0.2", "127.0.0.1"]
    answering, _ = sending(ok(b"{}"))
    with serving(answering) as port:
        assert TRIAL.fetch("GET", f"http://lms.example:{port}/").status == 200
