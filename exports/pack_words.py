"""The governors' pack in sentences: plain words, whole numbers, no name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from exports.summary import required, share_signed
from lms.clock import day_in_words
from lms.governors import Exceptional, Pack
from lms.record import CategoryCount
from lms.status import Status
from lms.terms import USUAL

_LATE = (Exceptional.WEEK, Exceptional.MONTH, Exceptional.LONG)


def sentences(pack: Pack, day: date) -> list[str]:
    """Return the year in words, a sentence or two each."""
    return list(_sentences(pack, day))


def _sentences(pack: Pack, day: date) -> Iterator[str]:
    yield f"On {day_in_words(day)} we had {_people(pack.total.people)} on record{_places(pack)}."
    yield _signed(pack.total)
    yield from _change(pack)
    yield (
        f"In the twelve months up to then {_people(pack.year.joined)} joined and {pack.year.left:,} left. "
        f"{_things(pack.year.signed, 'signature')} {_was(pack.year.signed)} given."
    )
    yield from _late(pack)
    yield from _others(pack)
    yield from _policies(pack)
    yield "Signed means that somebody typed their name to say they have read the policy and understand it."
    yield "A signature is one adult for one policy: whoever has two policies to sign is counted for each."
    if not pack.are_terms_entered:
        yield USUAL


def _signed(total: CategoryCount) -> str:
    share = share_signed(total)
    if share is None:
        return "Nobody has anything to sign."
    asked = _things(required(total), "signature")
    return f"{total.counts[Status.SIGNED]:,} of {asked} asked for were given ({share:.1%})."


def _change(pack: Pack) -> Iterator[str]:
    if len(pack.trend) < 2:
        return
    before, now = pack.trend[-2], pack.trend[-1]
    then, since = share_signed(before.count), share_signed(now.count)
    if then is None or since is None:
        return
    way = "the same as" if then == since else ("up from" if since > then else "down from")
    yield f"That is {way} {then:.1%} on {day_in_words(before.day)} ({before.term})."


def _late(pack: Pack) -> Iterator[str]:
    late = [one for one in pack.exceptions if one.kind in _LATE]
    if not late:
        yield "Nothing is late."
        return
    count, longest = sum(one.people for one in late), max(one.longest or 0 for one in late)
    yield f"{_things(count, 'signature')} {_is(count)} late, the longest by {_things(longest, 'day')}."


def _others(pack: Pack) -> Iterator[str]:
    words = {
        Exceptional.AGAIN: "must be given again: the last has run out, or the policy has changed",
        Exceptional.DECLINED: "declined after reading; the policy still applies",
        Exceptional.EXEMPT: "not required, for a reason on record",
    }
    for kind, said in words.items():
        count = sum(one.people for one in pack.exceptions if one.kind is kind)
        if count:
            verb = {Exceptional.AGAIN: "", Exceptional.DECLINED: f"{_was(count)} "}.get(
                kind, f"{_is(count)} "
            )
            yield f"{_things(count, 'signature')} {verb}{said}."


def _policies(pack: Pack) -> Iterator[str]:
    recent = [one for one in pack.history if one.published >= pack.year.since]
    if not recent:
        yield "No policy was changed in that time."
    for one in recent:
        again = (
            f" It is to be signed again by {day_in_words(one.sign_again_by)}." if one.sign_again_by else ""
        )
        yield f"{one.policy}, version {one.version}, was published on {day_in_words(one.published)}.{again}"


def _places(pack: Pack) -> str:
    return f" at {len(pack.schools)} schools" if len(pack.schools) > 1 else ""


def _people(count: int) -> str:
    return _things(count, "adult")


def _things(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"
