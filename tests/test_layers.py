"""Every module has its place in the layers that import-linter checks: one without would go unchecked."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
OUTSIDE = {"lms.assets", "lms.migrations", "lms.static"}
"""Folders with no modules that others import."""


def test_every_module_has_a_layer_and_every_layer_a_module() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    placed = {name for layer in layers for name in re.findall(r"[\w.]+", layer)}
    there = {f"lms.{path.stem}" for path in (ROOT / "lms").iterdir() if path.stem.isidentifier()}
    assert placed == (there - OUTSIDE - {"lms.__init__", "lms.__pycache__"}) | {"exports"}
