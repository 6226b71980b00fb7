"""Verifying by itself: every forged token has its code, and nothing that anybody could sign is ever an accident."""

from __future__ import annotations

import json
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, RSAKey

from lms.lti import claims, verifying
from lms.lti.claims import AGS, CLAIM, DEEP_LINKING_SETTINGS, NRPS, Claims, MessageType
from lms.lti.refusals import LaunchRefusedError, Refusal
from tests.conftest import NOW
from tests.lti import forger
from tests.lti.forger import MISSING, deep_linking, jwk, message, signed
from tests.lti.forgeries import ABSURD, AT, ROWS

LOGIN = forger.Login("state", "nonce", {})
LATER_CHECKS = {
    Refusal.TARGET_MISSING,
    Refusal.TARGET_NOT_OURS,
    Refusal.MODULE_UNKNOWN,
    Refusal.DEEP_LINKING_NOT_ALLOWED,
}
"""What a good token is refused for by where it leads, and not by what it is."""


def verify(id_token: str, key: dict[str, Any] | None = None) -> Claims:
    return verifying.verify(
        id_token,
        issuer=forger.ISSUER,
        client_id=forger.CLIENT_ID,
        nonce=LOGIN.nonce,
        find_key=lambda _kid: key or jwk(),
        now=NOW,
    )


def refusal_of(id_token: str, key: dict[str, Any] | None = None) -> Refusal:
    with pytest.raises(LaunchRefusedError) as refused:
        verify(id_token, key)
    return refused.value.refusal


TOKENS = {name: case for name, case in {**ROWS, **ABSURD}.items() if case[1] not in LATER_CHECKS}


@pytest.mark.parametrize("case", TOKENS)
def test_every_forged_token_is_refused_by_its_own_code(case: str) -> None:
    forge, refusal = TOKENS[case]

    assert refusal_of(forge(LOGIN)) is refusal


@pytest.mark.parametrize(
    "changes",
    [
        {"roles": []},
        {"roles": ["Learner"]},
        {"roles": [forger.LEARNER, forger.INSTRUCTOR]},
        {"roles": ["urn:of-no-vocabulary", "", "#"]},
        {"name": MISSING, "given_name": MISSING, "family_name": MISSING, "email": MISSING},
        {"name": None, "email": None},
        {"email": MISSING},
        {"name": MISSING, "given_name": MISSING, "family_name": MISSING},
        {"context": MISSING},
        {"aud": [forger.CLIENT_ID], "azp": forger.CLIENT_ID},
        {"aud": [forger.CLIENT_ID, "other"], "azp": forger.CLIENT_ID},
        {"aud": ["other", forger.CLIENT_ID], "azp": forger.CLIENT_ID},
        {"azp": forger.CLIENT_ID},
        {"exp": AT - 59},
        {"exp": AT + 0.5},
        {"iat": AT + 60},
        {"iat": AT - 660, "exp": AT + 3600},
        {"custom": None},
        {"launch_presentation": "frame"},
    ],
    ids=str,
)
def test_what_real_platforms_leave_out_or_say_otherwise_is_accepted(changes: dict[str, Any]) -> None:
    assert verify(signed(message(LOGIN.nonce, **changes))).sub == "42"


@pytest.mark.parametrize("key", [jwk(), jwk(use="sig"), jwk(alg="RS256")], ids=["bare", "use", "alg"])
def test_a_key_need_not_say_what_it_is_for(key: dict[str, Any]) -> None:
    assert verify(signed(message(LOGIN.nonce)), key).sub == "42"


@pytest.mark.parametrize(
    "key",
    [
        {},
        {"kty": "RSA"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "RSA", "n": "!" * 342, "e": "AQAB"},
        {"kty": "oct", "k": "c2VjcmV0", "n": "A" * 342},
        ECKey.generate_key("P-256").as_dict(private=False),
    ],
    ids=["empty", "no numbers", "small", "no base64", "secret", "curve"],
)
def test_a_key_that_is_no_strong_rsa_key_verifies_nothing(key: dict[str, Any]) -> None:
    assert refusal_of(signed(message(LOGIN.nonce)), key or {"kty": None}) is Refusal.KEY_UNKNOWN


def test_a_key_of_1024_bits_verifies_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)
        weak = RSAKey.generate_key(1024, {"kid": forger.KID}).as_dict(private=False)

    assert refusal_of(signed(message(LOGIN.nonce)), weak) is Refusal.KEY_UNKNOWN


def test_a_key_for_encryption_verifies_nothing() -> None:
    assert refusal_of(signed(message(LOGIN.nonce)), jwk(use="enc")) is Refusal.BAD_SIGNATURE


def test_a_long_header_of_a_real_platform_is_read() -> None:
    assert verify(signed(message(LOGIN.nonce), x5t="x" * 1_500)).sub == "42"


def test_the_claims_are_read_as_they_were_signed() -> None:
    custom = {
        "countersign": "friend-request",
        "link_history": "l2,l1",
        "person": "$Canvas.user.id",
        "none": " ",
    }
    found = verify(
        signed(
            message(
                LOGIN.nonce,
                email="Priya.Nair@School.test ",
                custom=custom,
                lis={"person_sourcedid": "S-17"},
                tool_platform={"guid": "g-1", "product_family_code": "Moodle"},
                **{
                    AGS: {"scope": ["s"], "lineitem": "https://m.test/1/lineitem?type_id=3"},
                    NRPS: {"context_memberships_url": "https://m.test/members"},
                },
            )
        )
    )

    assert found.email == "priya.nair@school.test"
    assert found.custom == {"countersign": "friend-request", "link_history": "l2,l1"}
    assert found.link_history == ("l2", "l1")
    assert (found.staff_no, found.platform_guid, found.product) == ("S-17", "g-1", "moodle")
    assert (found.lineitem, found.ags_scopes) == ("https://m.test/1/lineitem?type_id=3", ("s",))
    assert found.memberships_url == "https://m.test/members"
    assert (found.link_id, found.context_id, found.context_title) == ("link-1", "course-1", "Staff induction")
    assert found.return_url == f"{forger.ISSUER}/mod/lti/return.php"


def test_an_empty_staff_number_counts_as_missing() -> None:
    assert verify(signed(message(LOGIN.nonce, lis={"person_sourcedid": ""}))).staff_no is None


def test_what_is_to_be_given_back_to_a_course_editor_is_kept_as_it_came() -> None:
    settings = verify(signed(deep_linking(LOGIN.nonce))).deep_linking

    assert settings is not None
    assert (settings.data, settings.accept_multiple) == ("opaque=1", True)


@pytest.mark.parametrize("claimed", [message, deep_linking])
def test_claims_that_waited_are_the_same_afterwards(claimed: Any) -> None:
    before = verify(signed(claimed(LOGIN.nonce)))

    assert claims.from_json(json.loads(json.dumps(claims.to_json(before)))) == before


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "https://",
        "https://evil.test;script-src *",
        "https://evil.test https://other.test",
        "https://evil.test\n.school.test/",
        "https://user:pass@evil.test/",
        "https://evil.test:99999/",
        "https://[::::]/",
        "https://évil.test/",
        "https://evil.test/" + "x" * 2_000,
        42,
        ["https://evil.test/"],
    ],
    ids=lambda a: str(a)[:40],
)
def test_an_address_that_could_break_a_header_or_a_link_counts_as_missing(address: object) -> None:
    presented = {"return_url": address}

    assert verify(signed(message(LOGIN.nonce, launch_presentation=presented))).return_url is None


def test_the_ids_of_a_token_are_read_before_it_is_verified_and_never_break() -> None:
    named = verifying.unverified(signed(message(LOGIN.nonce), by="stranger"))

    assert (named.deployment, named.sub, named.link_id, named.context_id) == ("1", "42", "link-1", "course-1")
    assert verifying.unverified("a.b.c") == verifying.unverified("") == claims.NOTHING


_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
_places = st.sampled_from(
    [
        *message("n"),
        CLAIM + "custom",
        CLAIM + "lis",
        CLAIM + "tool_platform",
        AGS,
        NRPS,
        DEEP_LINKING_SETTINGS,
        "azp",
    ]
)


@given(st.dictionaries(_places, _anything, max_size=5), st.sampled_from(list(MessageType)))
def test_whatever_is_signed_is_accepted_or_refused_and_can_be_kept(
    junk: dict[str, Any], kind: MessageType
) -> None:
    claimed = deep_linking if kind is MessageType.DEEP_LINKING else message
    payload = {**claimed(LOGIN.nonce), **junk}
    try:
        found = verify(signed(json.dumps(payload).encode()))
    except LaunchRefusedError as refused:
        refused.detail.encode()
        return
    kept = claims.to_json(found)
    kept.pop("deep_linking")
    assert "\\u0000" not in json.dumps(kept)
    str(kept).encode()
