"""Every reason for which a launch is refused: its code, and what to say of it to the learner and the administrator."""

from __future__ import annotations

from enum import StrEnum

from lms.errors import CountersignError


class Refusal(StrEnum):
    """The codes that refusal pages, the launch log and the README's table use. The last group is about a frame."""

    # The login
    UNKNOWN_ISSUER = "unknown_issuer"
    AMBIGUOUS_CLIENT = "ambiguous_client"
    LOGIN_HINT_MISSING = "login_hint_missing"
    TARGET_MISSING = "target_missing"
    TARGET_NOT_OURS = "target_not_ours"
    PLATFORM_PAUSED = "platform_paused"
    # The way back
    PLATFORM_ERROR = "platform_error"
    STATE_MISSING = "state_missing"
    STATE_UNKNOWN = "state_unknown"
    STATE_EXPIRED = "state_expired"
    STATE_USED = "state_used"
    OTHER_BROWSER = "other_browser"
    COOKIES_BLOCKED = "cookies_blocked"
    # The token
    NOT_A_JWT = "not_a_jwt"
    WRONG_ALGORITHM = "wrong_algorithm"
    KID_MISSING = "kid_missing"
    KEY_UNKNOWN = "key_unknown"
    KEYS_UNREACHABLE = "keys_unreachable"
    BAD_SIGNATURE = "bad_signature"
    WRONG_ISSUER = "wrong_issuer"
    WRONG_AUDIENCE = "wrong_audience"
    WRONG_AZP = "wrong_azp"
    EXPIRED = "expired"
    ISSUED_LATER = "issued_later"
    ISSUED_LONG_AGO = "issued_long_ago"
    TIMES_MISSING = "times_missing"
    WRONG_NONCE = "wrong_nonce"
    SUBJECT_MISSING = "subject_missing"
    # The message
    WRONG_VERSION = "wrong_version"
    MESSAGE_TYPE_UNKNOWN = "message_type_unknown"
    ROLES_MISSING = "roles_missing"
    RESOURCE_LINK_MISSING = "resource_link_missing"
    DEPLOYMENT_MISSING = "deployment_missing"
    DEPLOYMENT_WAITING = "deployment_waiting"
    DEEP_LINKING_NOT_ALLOWED = "deep_linking_not_allowed"
    DEEP_LINKING_SETTINGS = "deep_linking_settings"
    MODULE_UNKNOWN = "module_unknown"


class LaunchRefusedError(CountersignError):
    """A launch was refused. `detail` is for the launch log: what was found and what was wanted, and nobody's name."""

    def __init__(self, refusal: Refusal, detail: str = "") -> None:
        super().__init__(refusal.value)
        self.refusal = refusal
        self.detail = detail
