"""Ways through a module: pure functions on a graph of scenes. An edge is a choice that leads on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from graphlib import TopologicalSorter

Edges = Mapping[str, Collection[str]]

END = "end"


def reached(edges: Edges, start: str) -> set[str]:
    """Return every scene that can be met from `start`, itself included."""
    met: set[str] = set()
    ahead = [start]
    while ahead:
        scene = ahead.pop()
        if scene not in met:
            met.add(scene)
            ahead.extend(edges.get(scene, ()))
    return met


def reaching(edges: Edges, goal: str) -> set[str]:
    """Return every scene from which `goal` can be reached, `goal` itself included."""
    backwards: dict[str, list[str]] = {}
    for scene, targets in edges.items():
        for target in targets:
            backwards.setdefault(target, []).append(scene)
    return reached(backwards, goal)


def longest(edges: Edges) -> dict[str, int]:
    """Return, for each scene, how many decisions the longest way onwards holds, its own included.

    A target that is not itself a key of `edges`, such as the end, holds none.

    Raises:
        graphlib.CycleError: some choices lead round in a circle, so there is no longest way.
    """
    steps: dict[str, int] = {}
    for scene in TopologicalSorter(edges).static_order():
        onwards = max((steps[target] for target in edges.get(scene, ())), default=0)
        steps[scene] = onwards + 1 if scene in edges else 0
    return steps


def shortest(edges: Edges, start: str, goal: str) -> int | None:
    """Return the fewest decisions that lead from `start` to `goal`, or None where no way does."""
    met, front, decisions = {start}, {start}, 0
    while front and goal not in front:
        front = {target for scene in front for target in edges.get(scene, ())} - met
        met |= front
        decisions += 1
    return decisions if front else None
