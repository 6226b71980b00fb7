"""What a person does with a page, by keyboard alone, by touch or by mouse; and the journeys made of it."""

from __future__ import annotations

from typing import Protocol

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, ViewportSize

from lms import scenarios
from lms.scenarios import Choice, Outcome

PHONE_SIZE: ViewportSize = {"width": 390, "height": 844}
DESK_SIZE: ViewportSize = {"width": 1280, "height": 900}


class Hand(Protocol):
    """A way of using a page."""

    def press(self, target: Locator) -> None:
        """Follow a link or press a button, and wait for the page it leads to."""

    def choose(self, radio: Locator) -> None:
        """Choose a radio button."""


class Mouse:
    """Clicks."""

    def press(self, target: Locator) -> None:
        """Click it."""
        _and_wait(target, target.click)

    def choose(self, radio: Locator) -> None:
        """Click its card."""
        _card(radio).click()


class Finger:
    """Taps, on a touch screen."""

    def press(self, target: Locator) -> None:
        """Tap it. It must be large enough for a finger (24 px, WCAG 2.2's least)."""
        box = target.bounding_box()
        assert box is not None
        assert box["height"] >= 24, f"{target} is only {box['height']} px high"
        _and_wait(target, target.tap)

    def choose(self, radio: Locator) -> None:
        """Tap its card near the far edge: the whole card is the label."""
        card = _card(radio)
        box = card.bounding_box()
        assert box is not None
        assert box["height"] >= 44
        card.tap(position={"x": box["width"] - 8, "y": box["height"] - 8})


class Keyboard:
    """Tab, Enter, space and the arrows; no pointer."""

    def press(self, target: Locator) -> None:
        """Tab to it and press Enter."""
        _tab_to(target)
        _and_wait(target, lambda: target.page.keyboard.press("Enter"))

    def choose(self, radio: Locator) -> None:
        """Tab to the group, and take the arrows to the one that is wanted."""
        group = radio.page.locator(f"input[name='{radio.get_attribute('name')}']")
        _tab_to(group.first)
        radio.page.keyboard.press("Space")
        for _ in range(group.count()):
            if radio.is_checked():
                return
            radio.page.keyboard.press("ArrowDown")
        raise AssertionError("the arrows didn't reach it")


def _and_wait(target: Locator, act: object) -> None:
    assert callable(act)
    with target.page.expect_navigation():
        act()


def _card(radio: Locator) -> Locator:
    return radio.page.locator(".govuk-radios__item").filter(has=radio)


def _tab_to(target: Locator) -> None:
    page = target.page
    for _ in range(80):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            shown = target.evaluate(
                "e => e.matches(':focus-visible') && "
                "(getComputedStyle(e).outlineStyle !== 'none' || getComputedStyle(e).boxShadow !== 'none'"
                " || getComputedStyle(e.closest('.govuk-radios__item') ?? e).boxShadow !== 'none')"
            )
            assert shown, f"{target} has the focus and doesn't show it"
            return
    raise AssertionError(f"{target} can't be reached by Tab")


def heading(page: Page) -> str:
    """Return the page's h1."""
    return page.locator("h1").inner_text()


def button(page: Page, words: str) -> Locator:
    """Return the button of the page (or link that looks like one) with these words."""
    return page.locator("main .govuk-button").filter(has_text=words).first


def asked(page: Page, module: str) -> tuple[Choice, ...]:
    """Return the choices of the question that the page asks."""
    ids = set(page.locator("input[type=radio]").evaluate_all("found => found.map(radio => radio.value)"))
    scenes = scenarios.shipped_modules()[module].scenes
    return next(scene.choices for scene in scenes if {choice.id for choice in scene.choices} == ids)


def answer(page: Page, module: str, outcome: Outcome, hand: Hand) -> None:
    """Answer a question by its first choice with an outcome (by the best where it has none), to its feedback."""
    choices = asked(page, module)
    choice = next((c for c in choices if c.outcome is outcome), None) or _best(choices)
    hand.choose(page.locator(f"input[type=radio][value='{choice.id}']"))
    hand.press(button(page, "Continue"))
    assert heading(page) == "What happened next"


def _best(choices: tuple[Choice, ...]) -> Choice:
    return next(choice for choice in choices if choice.outcome is Outcome.BEST)


def do_module(page: Page, module: str, *, hand: Hand | None = None, first: Outcome = Outcome.BEST) -> None:
    """Do a module from its first page to its summary.

    The first question is answered with `first`; when that isn't safe, it is tried again. All others by the best choice.
    """
    hand = hand or Mouse()
    hand.press(button(page, "Start"))
    outcome = first
    while page.locator("input[type=radio]").count():
        answer(page, module, outcome, hand)
        unsafe = page.locator(".app-outcome--unsafe").count()
        hand.press(button(page, "Try again" if unsafe else "Continue"))
        outcome = Outcome.BEST


def do_programme(page: Page, modules: list[str], *, hand: Hand | None = None) -> None:
    """Do every module of the one task on My training, from there to the page where it is signed."""
    hand = hand or Mouse()
    page.goto("/")
    hand.press(button(page, "Start"))
    for module in modules:
        do_module(page, module, hand=hand, first=Outcome.UNSAFE)
        hand.press(button(page, "Read and sign" if module == modules[-1] else "Next module"))


def assert_accessible(page: Page) -> None:
    """Fail if axe finds anything, or if the page has to be scrolled sideways. Needs a context with bypass_csp."""
    page.wait_for_load_state()
    run = "axe.run({resultTypes: ['violations']}).then(found => found.violations)"
    axe = "" if page.evaluate("'axe' in window") else f"{Axe().axe_script};\n"
    found = page.evaluate(axe + run)
    said = "\n".join(f"{v['id']}: {v['help']}: {[n['html'] for n in v['nodes']][:3]}" for v in found)
    assert not found, f"{page.url}\n{said}"
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{page.url} is {wide} px too wide"


def assert_accessible_on_any_screen(page: Page) -> None:
    """Do the same on a phone's width and on a desk's, where the page ends up: what is on it is the same on both."""
    for size in (PHONE_SIZE, DESK_SIZE):
        page.set_viewport_size(size)
        assert_accessible(page)
