"""Which addresses we ask: those on the internet, checked where the connection goes and not where the name pointed."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from lms.lti.fetching import AddressRefusedError
from tests.lti.serving import OURS, PUBLIC, TRIAL, refused

NOT_ON_THE_INTERNET = [
    *(
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "0.1.2.3",
    ),
    *(
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "192.0.0.192",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.1",
    ),
    *("203.0.113.9", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "192.88.99.1"),
    *(
        "::1",
        "::",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "fe80::1",
        "fec0::1",
    ),
    *("fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "2001::7f00:1", "100::1", "3fff::1", "5f00::1"),
    *(
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:7f00:1::1",
        "2002:a00:1::",
        "2002:a9fe:a9fe::1",
    ),
]


@pytest.mark.parametrize("address", NOT_ON_THE_INTERNET)
def test_a_name_that_stands_for_an_address_inside_is_never_dialled(
    dns: dict[str, list[str]], dialled: list[str], address: str
) -> None:
    dns["lms.example"] = [address]
    assert isinstance(refused(OURS, "https://lms.example/"), AddressRefusedError)
    literal = f"[{address}]" if ":" in address else address
    assert isinstance(refused(OURS, f"https://{literal}/"), AddressRefusedError)
    assert dialled == []


@pytest.mark.parametrize(
    "address", [PUBLIC, "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]
)
def test_a_name_that_stands_for_an_address_on_the_internet_is_dialled(
    dns: dict[str, list[str]], dialled: list[str], address: str
) -> None:
    dns["lms.example"] = [address]
    error = refused(OURS, "https://lms.example/")
    assert str(error) == "lms.example can't be reached: nothing takes connections at that address."
    (called,) = dialled
    assert socket.getaddrinfo(called, 1)[0][4][0] == socket.getaddrinfo(address, 1)[0][4][0]


def test_a_name_with_one_address_inside_among_others_is_refused(
    dns: dict[str, list[str]], dialled: list[str]
) -> None:
    dns["lms.example"] = [PUBLIC, "10.0.0.1"]
    error = refused(OURS, "https://lms.example/")
    assert "10.0.0.1, which is not on the public internet" in str(error)
    assert dialled == []


def test_a_name_that_changes_its_address_after_the_check_gains_nothing(
    monkeypatch: pytest.MonkeyPatch, dialled: list[str]
) -> None:
    real, answers = socket.getaddrinfo, iter([PUBLIC, "127.0.0.1", "127.0.0.1"])

    def look_up(host: str, *args: Any, **kwargs: Any) -> Any:
        return real(next(answers) if host == "lms.example" else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    refused(OURS, "https://lms.example/")
    assert dialled == [PUBLIC]


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "0.0.0.0", "224.0.0.1", "fe80::1", "100.64.0.1", "::"]
)
def test_a_trial_may_ask_its_own_network_and_no_stranger_place(
    dns: dict[str, list[str]], dialled: list[str], address: str
) -> None:
    dns["lms.example"] = [address]
    assert isinstance(refused(TRIAL, "http://lms.example/"), AddressRefusedError)
    assert dialled == []
    dns["lms.example"] = ["192.168.1.4"]
    refused(TRIAL, "http://lms.example/")
    assert dialled == ["192.168.1.4"]


@pytest.mark.parametrize(
    "url",
    [
        "http://lms.example/",
        "ftp://lms.example/",
        "file:///etc/passwd",
        "gopher://lms.example/",
        "//lms.example/",
        "lms.example",
        "",
        "https://",
        "https:///path",
        "https://user:password@lms.example/",
        "https://user@lms.example/",
        "https://@lms.example/",
        "https://lms.example:0/",
        "https://lms.example:99999/",
        "https://lms.example:x/",
        "https://lms.example\\@inside/",
        "https://lms.example/a b",
        "https://lms.example/\r\nX: y",
        "https://lms.exa\tmple/",
        "https://ⅼms.example/",
        "https://１２７.0.0.1/",
        "https://[::1",
        "https://[fe80::1%25eth0]/",
        "https://[v1.x]/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://127.0.0.1./",
        "https://93.184.216.034/",
        "https://1.1/",
        "https://lms%2eexample/",
        "https://-lms.example/",
    ],
)
def test_an_address_that_could_be_read_in_two_ways_is_refused_before_anything_is_asked(
    dns: dict[str, list[str]], dialled: list[str], url: str
) -> None:
    dns["lms.example"] = [PUBLIC]
    assert isinstance(refused(OURS, url), AddressRefusedError)
    assert dialled == []
