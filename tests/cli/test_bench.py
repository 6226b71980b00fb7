"""The benchmarks, at a terminal."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.benchmarks.figure import Figure
from tests.cli.terminal import Run


@pytest.fixture
def benchmark_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Figure], None]:
    """Put one benchmark, `own-speed`, in the place of ours."""

    def put(figure: Figure) -> None:
        (tmp_path / "own_speed.py").write_text("\ndef run(): ...\n")
        monkeypatch.setattr(sys.modules["lms.cli.bench"], "BENCHMARKS", tmp_path)
        monkeypatch.setitem(sys.modules, "tests.benchmarks.own_speed", SimpleNamespace(run=lambda: [figure]))

    return put


def test_bench_shows_each_figure_beside_its_limit(run: Run, benchmark_of: Callable[[Figure], None]) -> None:
    benchmark_of(Figure("queries of a page", 5, 6, "queries"))
    result = run("bench")
    assert result.exit_code == 0
    assert re.search(r"queries of a page.*5.*at most 6.*ok", result.output)


def test_bench_fails_where_a_figure_misses(run: Run, benchmark_of: Callable[[Figure], None]) -> None:
    benchmark_of(Figure("signings", 0.2, 0.35, "× bare", higher_is_better=True))
    result = run("bench", "own-speed")
    assert result.exit_code == 1
    assert re.search(r"signings.*0\.2.*at least 0\.35.*missed", result.output)


def test_bench_says_which_benchmarks_there_are(run: Run, benchmark_of: Callable[[Figure], None]) -> None:
    benchmark_of(Figure("signings", 1, 1, "×"))
    result = run("bench", "nothing")
    assert result.exit_code == 2
    assert "There are: own-speed" in result.output


def test_bench_says_how_to_install_what_a_launch_is_measured_against(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.benchmarks.lti.find_spec", lambda _name: None)
    result = run("bench", "lti")
    assert result.exit_code == 1
    assert 'pip install -e ".[test,bench]"' in result.output
