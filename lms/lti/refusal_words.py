"""What a refusal page says, by code: what happened, what the learner can do, and what to tell the LMS admin."""

from __future__ import annotations

from dataclasses import dataclass

from lms.lti.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Words:
    """One refusal in three sentences, and the HTTP status of its page."""

    status: int
    happened: str
    to_do: str
    for_admin: str


_AGAIN = "Go back to your course and open the link again."
_TELL = (
    "Nothing is wrong with your account. Send this page to the person who looks after your learning platform."
)
_COPY = "Compare the address and ids in the LMS with those on Countersign’s page for this platform."


def _fault(happened: str, for_admin: str, *, status: int = 400, to_do: str = _TELL) -> Words:
    return Words(status, happened, to_do, for_admin)


WORDS: dict[Refusal, Words] = {
    Refusal.UNKNOWN_ISSUER: _fault(
        "Countersign doesn’t know the learning platform that this link came from.",
        "Connect the LMS under Platforms in Countersign; its issuer or client id isn’t registered.",
    ),
    Refusal.AMBIGUOUS_CLIENT: _fault(
        "Your learning platform is connected more than once, and didn’t say which connection it meant.",
        "Have the LMS send client_id in the login request, or take the connection away that isn’t used.",
    ),
    Refusal.LOGIN_HINT_MISSING: _fault(
        "Your learning platform didn’t say who is opening the link.",
        "The login request had no login_hint. Check that the link is an LTI 1.3 link and not an ordinary web link.",
    ),
    Refusal.TARGET_MISSING: _fault(
        "Your learning platform didn’t say which page to open.",
        "There was no target_link_uri. Set the tool’s address in the LMS to the one that Countersign shows.",
    ),
    Refusal.TARGET_NOT_OURS: _fault(
        "The link leads to a page that isn’t Countersign’s.",
        "The link’s target_link_uri must begin with Countersign’s own address. " + _COPY,
    ),
    Refusal.PLATFORM_PAUSED: _fault(
        "Training from this learning platform is switched off for now.",
        "An administrator of Countersign paused this platform, and can switch it on again under Platforms.",
        status=403,
    ),
    Refusal.PLATFORM_ERROR: _fault(
        "Your learning platform stopped before it had signed you in.",
        "The LMS answered with an error instead of a launch; the launch log has its words.",
        to_do="Check that you are signed in to your learning platform. Then open the link in your course again.",
    ),
    Refusal.STATE_MISSING: _fault(
        "This page was opened without going through your learning platform.",
        "The launch had no state. Check that the redirect address in the LMS is the one that Countersign shows.",
        to_do="Go to your course and open the link there.",
    ),
    Refusal.STATE_UNKNOWN: _fault(
        "Countersign has no record of this sign-in having begun.",
        "The state is unknown: it was made up, or is older than an hour. If it goes on, check the redirect address.",
        to_do=_AGAIN,
    ),
    Refusal.STATE_EXPIRED: _fault(
        "Signing in took longer than 10 minutes, so it ran out.",
        "The LMS answered more than 10 minutes after the login began.",
        to_do=_AGAIN,
    ),
    Refusal.STATE_USED: _fault(
        "This sign-in was used already: each one works once.",
        "Nothing to do, unless it happens on a first click: then something sends the launch twice.",
        to_do="If you went back or loaded the page again, open the link in your course once more.",
    ),
    Refusal.OTHER_BROWSER: _fault(
        "This sign-in began in another browser or window.",
        "The browser that came back isn’t the one that began. A filter that opens links by itself does this.",
        status=403,
        to_do=_AGAIN,
    ),
    Refusal.COOKIES_BLOCKED: _fault(
        "Your browser didn’t let Countersign keep a cookie, so we can’t tell that it was you who began.",
        "Allow cookies for Countersign’s address, or have the link open in a new window.",
        status=403,
        to_do="Open the link in a new window or tab, or allow cookies for this site. Then try again.",
    ),
    Refusal.NOT_A_JWT: _fault(
        "What your learning platform sent can’t be read.",
        "The id_token is no signed JWT with JSON in it, or is over 128 kB. Something on the way may cut it.",
    ),
    Refusal.WRONG_ALGORITHM: _fault(
        "Your learning platform signs in a way that isn’t safe to accept.",
        "LTI 1.3 tokens are signed with RS256. Set the LMS to that.",
        status=401,
    ),
    Refusal.KID_MISSING: _fault(
        "Your learning platform didn’t say which key it signed with.",
        "The token’s header has no kid, so its key can’t be found among those that the LMS publishes.",
        status=401,
    ),
    Refusal.KEY_UNKNOWN: _fault(
        "Your learning platform signed with a key that it doesn’t publish.",
        "The key isn’t among those at the LMS’s keyset address. If it was changed just now, try again in a minute; "
        "else check the keyset address under Platforms.",
        status=401,
        to_do="Wait a minute, then go back to your course and open the link again.",
    ),
    Refusal.KEYS_UNREACHABLE: _fault(
        "Countersign can’t reach your learning platform to check its signature.",
        "The LMS’s public keyset address doesn’t answer, or not with keys. Press Check connection under Platforms.",
        status=503,
        to_do="Wait a few minutes, then go back to your course and open the link again.",
    ),
    Refusal.BAD_SIGNATURE: _fault(
        "The signature of what your learning platform sent is wrong.",
        "The token was changed on its way, or was signed by somebody else. Press Check connection under Platforms.",
        status=401,
    ),
    Refusal.WRONG_ISSUER: _fault(
        "What came back is from another learning platform than the one we asked.",
        "The iss claim differs. " + _COPY,
        status=401,
    ),
    Refusal.WRONG_AUDIENCE: _fault(
        "What your learning platform sent is meant for another tool.",
        "The aud claim isn’t our client id. " + _COPY,
        status=401,
    ),
    Refusal.WRONG_AZP: _fault(
        "What your learning platform sent is meant for several tools, and not first of all for this one.",
        "The azp claim is missing, or isn’t our client id. " + _COPY,
        status=401,
    ),
    Refusal.EXPIRED: _fault(
        "What your learning platform sent had already run out when it got here.",
        "The token is past its exp. If it happens often, the clock of the LMS or of this server is wrong.",
        status=401,
        to_do=_AGAIN,
    ),
    Refusal.ISSUED_LATER: _fault(
        "By our clock, what your learning platform sent comes from the future.",
        "The token’s iat is over a minute ahead: the clock of the LMS or of this server is wrong.",
        status=401,
    ),
    Refusal.ISSUED_LONG_AGO: _fault(
        "What your learning platform sent is more than 10 minutes old.",
        "The token’s iat is too old. If it happens often, the clock of the LMS or of this server is wrong.",
        status=401,
        to_do=_AGAIN,
    ),
    Refusal.TIMES_MISSING: _fault(
        "Your learning platform didn’t say when it signed you in.",
        "The token’s exp or iat is missing, or is no time.",
        status=401,
    ),
    Refusal.WRONG_NONCE: _fault(
        "What your learning platform sent doesn’t belong to this sign-in.",
        "The nonce is missing or isn’t the one of this login: the token may have been used before.",
        status=401,
        to_do=_AGAIN,
    ),
    Refusal.SUBJECT_MISSING: _fault(
        "Your learning platform didn’t say who you are.",
        "The token has no usable sub. Countersign needs no name and no e-mail, but it does need the user’s id.",
        status=401,
        to_do="Check that you are signed in to your learning platform, and not as a guest. Then open the link again.",
    ),
    Refusal.WRONG_VERSION: _fault(
        "Your learning platform opened the link as another version of LTI.",
        "The version claim must be 1.3.0. Set the tool up as an LTI 1.3 tool.",
    ),
    Refusal.MESSAGE_TYPE_UNKNOWN: _fault(
        "Your learning platform asked for something that Countersign doesn’t do.",
        "Countersign answers LtiResourceLinkRequest and LtiDeepLinkingRequest. Place it where those are sent.",
    ),
    Refusal.ROLES_MISSING: _fault(
        "Your learning platform didn’t say what you are in this course.",
        "The roles claim is missing, or isn’t a list. An empty list is enough.",
    ),
    Refusal.RESOURCE_LINK_MISSING: _fault(
        "Your learning platform didn’t say which link you opened.",
        "The claim resource_link.id is missing. Add the link to the course anew.",
    ),
    Refusal.DEPLOYMENT_MISSING: _fault(
        "Your learning platform didn’t say where in it Countersign is placed.",
        "The deployment_id claim is missing. " + _COPY,
    ),
    Refusal.DEPLOYMENT_WAITING: _fault(
        "Countersign is new in this part of your learning platform, and waits for an administrator to approve it.",
        "An administrator of Countersign approves the deployment, and says whose school it is, under Platforms.",
        status=403,
        to_do="Tell the person who looks after your learning platform. Once it is approved, open the link again.",
    ),
    Refusal.DEEP_LINKING_NOT_ALLOWED: _fault(
        "Only people who edit a course can choose what goes into it.",
        "The launch had no role of an instructor, content developer or administrator.",
        status=403,
        to_do="If you teach this course, ask whoever looks after your learning platform for a teacher’s role in it.",
    ),
    Refusal.DEEP_LINKING_SETTINGS: _fault(
        "Your learning platform can’t take a training module at this place.",
        "The deep linking settings have no return address, or don’t accept ltiResourceLink.",
        to_do="Add the module as an activity or external tool of the course, and not inside a text.",
    ),
    Refusal.MODULE_UNKNOWN: _fault(
        "This link is for a module that Countersign doesn’t have.",
        "The link’s custom parameter countersign names no module. Choose the module again in the course.",
        status=404,
        to_do="Tell whoever edits the course that this link needs to be made again.",
    ),
}
