"""A platform, us, and what is between them, for the tests of services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from lms.lti.platforms import Registration
from lms.lti.services import Member, ServiceError, Services
from tests.conftest import NOW
from tests.lti.stand_in import StandIn

LEARNER = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"


@dataclass
class Sides:
    """A platform, and us as it knows us."""

    platform: StandIn
    services: Services
    registration: Registration

    def send(self, **changes: Any) -> None:
        """Send a score to the platform's one line item."""
        lineitem = changes.pop("lineitem", self.platform.lineitem())
        now = changes.pop("now", NOW)
        self.services.send_score(self.registration, lineitem, score(**changes), now)

    def refused(self, **changes: Any) -> ServiceError:
        """Send a score that is not taken, and return why."""
        with pytest.raises(ServiceError) as caught:
            self.send(**changes)
        return caught.value

    def members(self) -> list[Member]:
        """Read the course."""
        return self.services.members(self.registration, self.platform.members_url, NOW)

    def unreadable(self) -> ServiceError:
        """Read a course that can't be read, and return why."""
        with pytest.raises(ServiceError) as caught:
            self.members()
        return caught.value


def score(**changes: Any) -> dict[str, object]:
    whole = {
        "userId": "u-1",
        "timestamp": "2026-09-07T08:30:00.123Z",
        "activityProgress": "Completed",
        "gradingProgress": "FullyGraded",
        "scoreGiven": 1,
        "scoreMaximum": 1,
    }
    return whole | changes


def member(user_id: str, **changes: Any) -> dict[str, Any]:
    return {"user_id": user_id, "status": "Active", "roles": [LEARNER]} | changes


def registration_of(platform: StandIn, product: str = "moodle") -> Registration:
    return Registration(
        id=uuid4(),
        name="Our platform",
        product=product,
        client_id=platform.client_id,
        token_endpoint=platform.token_endpoint,
        token_audience=platform.audience,
        jwks_uri=platform.jwks_uri,
        scopes=sorted(platform.scopes),
    )
