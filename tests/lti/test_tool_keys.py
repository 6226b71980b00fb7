"""Our keys towards platforms: made once, published, replaced without a restart, and never half written."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from flask import Flask
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from lms import keys
from lms.keys import LTI_KEYS, KeyFileError
from lms.lti.tool_keys import ToolKeys
from tests.client import StrictClient
from tests.conftest import NOW, Clock

DAY = timedelta(days=1)


def kids(published: dict[str, Any]) -> list[str]:
    return [key["kid"] for key in published["keys"]]


def checked(token: str, published: dict[str, Any]) -> dict[str, Any]:
    """Check a token as a platform would: by the key of the set that it names."""
    return jwt.decode(token, KeySet.import_key_set(published), algorithms=["RS256"]).claims  # type: ignore[arg-type]


def test_what_is_signed_can_be_checked_with_what_is_published(tmp_path: Path) -> None:
    ours = ToolKeys(tmp_path)

    assert checked(ours.sign({"iss": "us"}), ours.published(NOW)) == {"iss": "us"}


def test_a_published_key_has_no_secret_part_and_is_named_by_its_thumbprint(tmp_path: Path) -> None:
    (key,) = ToolKeys(tmp_path).published(NOW)["keys"]

    assert set(key) == {"kty", "n", "e", "kid", "use", "alg"}
    assert (key["kty"], key["use"], key["alg"]) == ("RSA", "sig", "RS256")
    assert key["kid"] == RSAKey.import_key({"kty": "RSA", "n": key["n"], "e": key["e"]}).thumbprint()
    assert len(key["n"]) * 6 >= 2048


def test_the_key_is_made_when_it_is_first_asked_for_and_only_its_owner_may_open_it(tmp_path: Path) -> None:
    ours = ToolKeys(tmp_path)
    assert not (tmp_path / LTI_KEYS).exists()
    before = os.umask(0)
    try:
        first = ours.published(NOW)
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / LTI_KEYS).stat().st_mode) == 0o600
    assert ToolKeys(tmp_path).published(NOW) == first


def test_threads_that_ask_first_together_get_one_key(tmp_path: Path) -> None:
    start, got = threading.Barrier(6), []

    def ask() -> None:
        start.wait(timeout=30)
        got.append(kids(ToolKeys(tmp_path).published(NOW)))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(timeout=60)

    assert len(got) == 6
    assert all(each == got[0] for each in got)


def test_after_a_rotation_the_new_key_signs_and_the_old_one_can_still_be_checked(tmp_path: Path) -> None:
    ours = ToolKeys(tmp_path)
    old_token, (old,) = ours.sign({"n": 1}), kids(ours.published(NOW))
    new, until = ours.rotate(NOW)

    assert until == NOW + DAY
    assert kids(ours.published(NOW)) == [new, old]
    assert checked(old_token, ours.published(NOW)) == {"n": 1}
    assert json.loads(header_of(ours.sign({})))["kid"] == new


def header_of(token: str) -> bytes:
    from base64 import urlsafe_b64decode

    return urlsafe_b64decode(token.split(".")[0] + "==")


def test_an_old_key_leaves_the_set_a_day_later_without_anybody_doing_anything(tmp_path: Path) -> None:
    ours = ToolKeys(tmp_path)
    (old,) = kids(ours.published(NOW))
    new, _ = ours.rotate(NOW)

    assert kids(ours.published(NOW + DAY - timedelta(seconds=1))) == [new, old]
    assert kids(ours.published(NOW + DAY)) == [new]


def test_two_rotations_in_a_day_publish_three_keys_and_a_later_one_forgets_those_that_are_over(
    tmp_path: Path,
) -> None:
    ours = ToolKeys(tmp_path)
    (first,) = kids(ours.published(NOW))
    second, _ = ours.rotate(NOW)
    third, _ = ours.rotate(NOW + timedelta(hours=1))
    assert kids(ours.published(NOW + timedelta(hours=1))) == [third, second, first]

    fourth, _ = ours.rotate(NOW + timedelta(hours=24, minutes=30))

    assert kids(ours.published(NOW)) == [fourth, third, second]


def test_a_server_that_runs_signs_with_the_new_key_at_once(tmp_path: Path) -> None:
    server, command = ToolKeys(tmp_path), ToolKeys(tmp_path)
    server.sign({})
    new, _ = command.rotate(NOW)

    assert kids(server.published(NOW))[0] == new
    assert json.loads(header_of(server.sign({})))["kid"] == new


def test_rotations_at_once_lose_no_key(tmp_path: Path) -> None:
    (first,) = kids(ToolKeys(tmp_path).published(NOW))
    start, made = threading.Barrier(4), []

    def rotate() -> None:
        start.wait(timeout=30)
        keys.rotate_lti_key(tmp_path, now=NOW, until=NOW + DAY)
        made.append(1)

    threads = [threading.Thread(target=rotate) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(timeout=60)

    assert len(made) == 4
    assert len(kids(ToolKeys(tmp_path).published(NOW))) == 5
    assert kids(ToolKeys(tmp_path).published(NOW))[-1] == first


DIES = """
import os, sys
from datetime import datetime, timedelta, UTC
from pathlib import Path
from lms import keys
def die(*_a, **_k): os.kill(os.getpid(), 9)
{where}
keys.rotate_lti_key(Path(sys.argv[1]), now=datetime.now(UTC), until=datetime.now(UTC) + timedelta(days=1))
"""


@pytest.mark.parametrize(
    ("where", "is_rotated"),
    [
        ("keys._new_rsa_key = die", False),
        ("os.fsync = die", False),
        ("Path.replace = die", False),
        ("keys._sync_folder = die", True),
    ],
)
def test_a_rotation_that_is_killed_leaves_keys_that_work(
    tmp_path: Path, where: str, is_rotated: bool
) -> None:
    before = kids(ToolKeys(tmp_path).published(NOW))

    died = subprocess.run([sys.executable, "-c", DIES.format(where=where), str(tmp_path)], check=False)

    assert died.returncode == -signal.SIGKILL
    ours = ToolKeys(tmp_path)
    after = kids(ours.published(NOW))
    assert after[-1:] == before
    assert len(after) == 1 + is_rotated
    assert checked(ours.sign({}), ours.published(NOW)) == {}
    new, _ = ours.rotate(NOW)
    assert kids(ours.published(NOW)) == [new, *after]


def unfit_key() -> bytes:
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return json.dumps([{"pem": pem.decode(), "until": None}]).encode()


@pytest.mark.parametrize(
    "damage", [b"", b"[]", b"{}", b"[1]", b"\xff", b'[{"pem": "x", "until": null}]', unfit_key()]
)
def test_a_damaged_file_is_named_when_the_server_starts_and_is_left_alone(
    tmp_path: Path, damage: bytes
) -> None:
    ToolKeys(tmp_path).published(NOW)
    (tmp_path / LTI_KEYS).write_bytes(damage)

    with pytest.raises(KeyFileError, match=rf"{LTI_KEYS} is damaged.*backup.*mv "):
        ToolKeys(tmp_path)

    assert (tmp_path / LTI_KEYS).read_bytes() == damage


def test_a_file_that_others_can_open_is_refused(tmp_path: Path) -> None:
    ToolKeys(tmp_path).published(NOW)
    (tmp_path / LTI_KEYS).chmod(0o640)

    with pytest.raises(KeyFileError, match="chmod 600"):
        ToolKeys(tmp_path)


def test_platforms_read_the_set_without_a_session_and_may_keep_it_for_minutes(
    app: Flask, client: StrictClient, time: Clock
) -> None:
    response = client.get("/lti/jwks")

    assert response.status_code == 200
    assert response.mimetype == "application/json"
    assert response.json == app.config["LTI_KEYS"].published(NOW)
    assert response.headers["Cache-Control"] == "public, max-age=300"
    assert "Set-Cookie" not in response.headers
