"""Web addresses that people type or platforms name, before anything is asked of them.

What an address stands for is looked at when it is asked (`lms.lti.fetching`); this says early what can't work.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from lms.errors import CountersignError

LONGEST = 2000
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")


class AddressError(CountersignError):
    """Not an address that we take. The message goes on from what the address is for: "must begin with https://"."""


def checked(address: str, *, allow_private: bool) -> str:
    """Return a web address as it was given; `allow_private` lets a trial use http and hosts inside the network.

    Raises:
        AddressError: it is none, has a user name or a fragment, isn't https, or names a host inside a network.
    """
    if len(address) > LONGEST:
        raise AddressError(f"must be {LONGEST:,} characters or fewer")
    # urlsplit drops line breaks and tabs, and browsers take a backslash for a slash.
    if not address.isascii() or not address.isprintable() or re.search(r"[\s\\]", address):
        raise AddressError("has a space or a letter that web addresses can’t have")
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise AddressError("must be a web address, like https://moodle.school.org.uk") from error
    if parts.scheme not in {"https", "http"} or not _HOST.fullmatch(host):
        raise AddressError("must be a web address that begins with https://")
    if parts.scheme == "http" and not allow_private:
        raise AddressError("must begin with https:// and not http://")
    if "@" in parts.netloc or parts.fragment:
        raise AddressError("can’t have a user name, a password or a # in it")
    if is_inside(host) and not allow_private:
        raise AddressError("names a computer inside a network, which we don’t ask")
    return address


def is_inside(host: str) -> bool:
    """Say whether a host is, by its spelling alone, one that isn't on the internet."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host.rstrip(".") == "localhost" or host.endswith((".localhost", ".local", ".internal"))


def host_of(address: str) -> str:
    """Return the host of a web address, with its port where that isn't the usual one."""
    return urlsplit(address).netloc.rpartition("@")[2].lower()
