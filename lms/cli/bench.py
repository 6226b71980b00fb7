"""`countersign bench`: the figures that Countersign is held to, measured on this machine."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from lms.config import PACKAGE

CHECKOUT = PACKAGE.parent
BENCHMARKS = CHECKOUT / "tests" / "benchmarks"


@click.command()
@click.argument("name", required=False)
def bench(name: str | None) -> None:
    """Measure the figures in NAME, or all; exit with 1 where one misses its limit."""
    known = _known()
    if not known:
        raise click.ClickException(
            "The benchmarks are in the source, not in the installed package: run this in a checkout."
        )
    if name and name not in known:
        raise click.UsageError(f"There is no benchmark {name!r}. There are: {', '.join(known)}.")
    sys.path.insert(0, str(CHECKOUT))
    table = Table("Figure", "Measured", "Limit", "Unit", "")
    missed = 0
    for one in [name] if name else known:
        click.echo(f"Measuring {one} …", err=True)
        for figure in importlib.import_module(f"tests.benchmarks.{known[one].stem}").run():
            table.add_row(*_cells(figure))
            missed += not figure.ok
    Console().print(table)
    if missed:
        raise click.ClickException(f"{missed} of these figures missed the limit.")


def _known() -> dict[str, Path]:
    files = sorted(BENCHMARKS.glob("*.py")) if BENCHMARKS.is_dir() else []
    return {f.stem.replace("_", "-"): f for f in files if "\ndef run(" in f.read_text("utf-8")}


def _cells(figure: Any) -> tuple[str, ...]:
    bound = "at least" if figure.higher_is_better else "at most"
    outcome = "ok" if figure.ok else "[bold red]missed[/]"
    return figure.name, f"{figure.value:,.3g}", f"{bound} {figure.limit:,.3g}", figure.unit, outcome
