"""The year that the demo school has behind it: who did what on which day, all before it is recorded."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial
from random import Random

from lms.clock import add_months, london_day
from lms.demo.adults import Adult, Habit
from lms.demo.calendar import Calendar, at
from lms.demo.texts import CODE, CODE_AUDIENCE, CODE_TITLE, Text, code_of_conduct
from lms.demo.year import School
from lms.help_requests import HelpKind, HelpRequest
from lms.people import EngagementType, RoleName

BEGAN = timedelta(days=381)
"""How long ago the school began to use Countersign."""
POLICY_AFTER = timedelta(days=2)
CODE_AFTER = timedelta(days=5)
NEW_CODE = timedelta(days=40)
"""How long ago the second version of the code of conduct came."""
GRACE = timedelta(days=54)
CODE_DUE, POLICY_DUE = 21, 28
FIRST_MORNING, LONGER = "agency workers, first morning", "agency workers who stay"
STAYS_LONGER = 5
"""For how many days an agency worker may come before the whole programme is due."""
AGENCY = [EngagementType.AGENCY_WORKER]
FOR_EVER = date.max


class History:
    """Plans a year for some adults. Everything random is drawn while planning, in a fixed order."""

    def __init__(self, school: School, crowd: list[Adult], own: Text, now: datetime, chance: Random) -> None:
        self.school, self.crowd, self.own = school, crowd, own
        self.today, self.chance = london_day(now), chance
        self.first = self.today - BEGAN
        self.calendar = Calendar(now, chance)

    def live(self) -> None:
        """Plan the year and let it happen."""
        self._people()
        self._policies()
        for adult in self.crowd:
            self._code(adult)
            self._policy(adult)
        self._exemptions()
        self._requests()
        self._first_mornings()
        self.calendar.live()

    def _people(self) -> None:
        for adult in self.crowd:
            known = max(self.first, adult.starts - timedelta(days=8))
            # Agency workers are heard of the evening before.
            if adult.agency and adult.ends:
                known = max(self.first, adult.starts - timedelta(days=1))
            self.calendar.on(at(known, 9), partial(self.school.engage, adult))
            if adult.leaves:
                told = at(adult.leaves - timedelta(days=14), 10)
                self.calendar.on(told, partial(self.school.leave, adult, adult.leaves))

    def _policies(self) -> None:
        published, school = at(self.first + CODE_AFTER, 9, 30), self.school
        publish = partial(school.publish, CODE, CODE_TITLE, is_model=False)
        self.calendar.on(published, lambda now: publish(code_of_conduct(1), now, None))
        self.calendar.on(
            published,
            partial(school.assign, CODE, CODE, CODE_AUDIENCE, modules=[], due_days=CODE_DUE, months=None),
        )
        resign_by = self.today - NEW_CODE + GRACE
        self.calendar.on(
            at(self.today - NEW_CODE, 9, 30), lambda now: publish(code_of_conduct(2), now, resign_by)
        )
        own, began = self.own, at(self.first + POLICY_AFTER, 10)
        self.calendar.on(
            began,
            lambda now: school.publish(own.slug, own.title, own.markdown, now, None, is_model=own.is_model),
        )
        assign = partial(school.assign, slug=own.slug, months=12)
        whole = partial(assign, modules=own.modules, due_days=POLICY_DUE)
        others = [kind for kind in EngagementType if not own.short or kind not in AGENCY]
        self.calendar.on(began, lambda now: whole(own.slug, audience=others, now=now))
        if own.short:
            short = partial(assign, modules=own.short, due_days=0)
            self.calendar.on(
                began, lambda now: whole(LONGER, audience=AGENCY, now=now, least_days=STAYS_LONGER)
            )
            self.calendar.on(began, lambda now: short(FIRST_MORNING, audience=AGENCY, now=now))

    def _whole(self, adult: Adult) -> str:
        """Return what the demo calls the assignment of the whole programme that somebody has."""
        return LONGER if self.own.short and adult.type in AGENCY else self.own.slug

    def _first_mornings(self) -> None:
        """Let agency workers do the short programme at the desk; some begin late and go to class unsigned."""
        for adult in self.crowd:
            if self.own.short and adult.type in AGENCY and adult.habit is not Habit.HALF_WAY:
                self._learn_and_sign(adult, max(self.first + POLICY_AFTER, adult.starts), FIRST_MORNING)

    def _code(self, adult: Adult) -> None:
        if adult.type not in CODE_AUDIENCE:
            return
        begins = max(self.first + CODE_AFTER, adult.starts)
        wait = self._wait(adult, CODE_DUE)
        if adult.habit is Habit.DECLINES:
            reason = "I keep to it. I would rather not sign, and my union knows."
            self._on(adult, begins + timedelta(days=9), partial(self.school.decline, adult, CODE, reason))
            return
        if adult.habit is Habit.HALF_WAY:
            wait = 2
        if wait is None:
            return
        self._on(adult, begins + timedelta(days=wait), partial(self.school.sign, adult, CODE))
        changed = self.today - NEW_CODE
        again = self._wait_again(adult)
        # A margin of a week, as a day of signing may move to the next working day.
        if begins + timedelta(days=wait + 7) < changed and again is not None:
            self._on(adult, changed + timedelta(days=again), partial(self.school.sign, adult, CODE))

    def _policy(self, adult: Adult) -> None:
        slug, begins = self._whole(adult), max(self.first + POLICY_AFTER, adult.starts)
        if adult.habit is Habit.DECLINES:
            reason = "My union is still discussing it."
            self._on(adult, begins + timedelta(days=15), partial(self.school.decline, adult, slug, reason))
            return
        wait = self._wait(adult, POLICY_DUE)
        if wait is None:
            self._begin_only(adult, begins)
            return
        day = begins + timedelta(days=wait)
        self._learn_and_sign(adult, day, slug)
        ends = add_months(day, 12)
        again = self.chance.choices(
            (-self.chance.randint(2, 28), self.chance.randint(0, 7), None), (40, 35, 25)
        )
        if again[0] is not None:
            self._learn_and_sign(adult, ends + timedelta(days=again[0]), slug)

    def _learn_and_sign(self, adult: Adult, day: date, slug: str) -> None:
        moment = self.calendar.some_time(day)
        if self._is_here(adult, london_day(moment)):
            self.calendar.on(moment, partial(self.school.learn, adult, slug, None))
            self.calendar.on(moment + timedelta(minutes=17), partial(self.school.sign, adult, slug))

    def _begin_only(self, adult: Adult, begins: date) -> None:
        """Let somebody get somewhere in the modules and no further."""
        answers = 7 if adult.habit is Habit.HALF_WAY else self.chance.choice((0, 0, 3, 7, 12))
        if adult.habit is not Habit.NOT_BEGUN and answers and self.own.modules:
            learn = partial(self.school.learn, adult, self._whole(adult), answers)
            self._on(adult, begins + timedelta(days=self.chance.randint(2, 9)), learn)

    def _wait(self, adult: Adult, due: int) -> int | None:
        """Return how many days after they could somebody signs; None who hasn't."""
        if adult.habit in (Habit.NOT_BEGUN, Habit.HALF_WAY):
            return None
        if adult.habit is Habit.PROMPT:
            return self.chance.randint(1, 5)
        kind = self.chance.choices(("in time", "late", "never"), (76, 15, 9))[0]
        in_time = max(1, round(self.chance.triangular(1, due, 6)))
        late = due + self.chance.randint(1, 40)
        after_many_reminders = due + self.chance.randint(60, 170) if self.chance.random() < 0.8 else None
        return {"in time": in_time, "late": late}.get(kind, after_many_reminders)

    def _wait_again(self, adult: Adult) -> int | None:
        if adult.habit is Habit.PROMPT:
            return self.chance.randint(1, 6)
        return self.chance.randint(1, NEW_CODE.days - 1) if self.chance.random() < 0.66 else None

    def _on(self, adult: Adult, day: date, happening: partial[None]) -> None:
        moment = self.calendar.some_time(day)
        if self._is_here(adult, london_day(moment)):
            self.calendar.on(moment, happening)

    def _is_here(self, adult: Adult, day: date) -> bool:
        return day <= (adult.leaves or adult.ends or FOR_EVER)

    def _exemptions(self) -> None:
        officer = self._named("Farrow")
        reason = "Works from her own office and has no contact with pupils"
        moment = at(self.first + POLICY_AFTER, 11)
        self.calendar.on(moment, partial(self.school.exempt, officer, self.own.slug, reason, None))
        teachers = [a for a in self.crowd if a.type is EngagementType.TEACHER and self._may_be_away(a)]
        away = self.chance.choice(teachers)
        until = self.today + timedelta(days=130)
        for slug in (self.own.slug, CODE):
            moment = at(self.today - timedelta(days=70), 14)
            self.calendar.on(moment, partial(self.school.exempt, away, slug, "Maternity leave", until))

    def _may_be_away(self, adult: Adult) -> bool:
        return adult.habit is Habit.USUAL and not adult.leaves and adult.starts < self.first

    def _requests(self) -> None:
        policy, hr = self.own.slug, next(a for a in self.crowd if a.role is RoleName.HR)
        for surname, slug, kind, text, days, settled in (
            ("Suharni", policy, HelpKind.ANOTHER_WAY, "Could I have it in large print, on paper?", 370, 368),
            (
                "Jenkins",
                CODE,
                HelpKind.QUESTION,
                "Does this count for me twice, as I am a governor too?",
                366,
                365,
            ),
            (
                "Price-Roberts",
                policy,
                HelpKind.QUESTION,
                "I teach at four schools. Do I sign at each?",
                300,
                297,
            ),
            ("Jones", policy, HelpKind.NOT_ME, "I think this was meant for the other Sarah Jones.", 14, 13),
            ("O’Connor", policy, HelpKind.QUESTION, "My niece is in Year 9. Do I remove her?", 2, None),
            ("Wiśniewski", CODE, HelpKind.ANOTHER_WAY, "I would like to read it in Polish as well.", 1, None),
        ):
            adult = self._named(surname)
            asked: list[HelpRequest] = []
            ask = partial(self._ask, asked, adult, slug, kind, text)
            self.calendar.on(at(self.today - timedelta(days=days), 13, 5), ask)
            if settled is not None:
                settle = partial(self._settle, asked, hr)
                self.calendar.on(at(self.today - timedelta(days=settled), 9, 40), settle)

    def _ask(
        self, asked: list[HelpRequest], adult: Adult, slug: str, kind: HelpKind, text: str, now: datetime
    ) -> None:
        asked.append(self.school.ask(adult, slug, kind, text, now))

    def _settle(self, asked: list[HelpRequest], by: Adult, now: datetime) -> None:
        self.school.settle(asked[0], by, now)

    def _named(self, surname: str) -> Adult:
        return next(adult for adult in self.crowd if adult.surname == surname)
