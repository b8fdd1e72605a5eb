"""The algorithms by name. A module is imported when one of its algorithms is asked for: some need libraries that take a second to load."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module

from kg.analytics.model import Algorithm, Column, Parameter, Result, Table
from kg.errors import MeasureError, did_you_mean

MODULES = {
    "associations": ("associations",), "clusters": ("k-means",), "networks": ("betweenness", "circles", "communities", "components", "pagerank", "ways"),
    "ownership": ("integrated-ownership",), "recommending": ("recommendation",), "scorecards": ("grid", "index", "scorecard"), "scoring": ("scoring",), "trends": ("trends",),
}  # fmt: skip

_known: dict[str, Algorithm] = {}


def algorithm(
    name: str,
    *,
    version: int,
    columns: tuple[Column, ...],
    results: Mapping[str, str],
    key: tuple[str, ...],
    parameters: tuple[Parameter, ...] = (),
    value: str = "",
    takes_features: bool = False,
) -> Callable[[Callable[[Table, Mapping[str, object]], Result]], Callable[[Table, Mapping[str, object]], Result]]:
    """Register a function; its docstring's first paragraph says what it does. Raise `version` when the same input leads to other results."""

    def register(run: Callable[[Table, Mapping[str, object]], Result]) -> Callable[[Table, Mapping[str, object]], Result]:
        says = " ".join((run.__doc__ or "").split("\n\n")[0].split())
        _known[name] = Algorithm(name, version, says, columns, parameters, results, key, run, key[0], value, takes_features)
        return run

    return register


@cache
def algorithms() -> Mapping[str, Algorithm]:
    """All algorithms, by name."""
    for module in MODULES:
        import_module(f"kg.analytics.{module}")
    return dict(sorted(_known.items()))


def find(name: str) -> Algorithm:
    """The algorithm of a name; MeasureError A102 with what is near."""
    module = next((module for module, names in MODULES.items() if name in names), None)
    if module is None:
        known = sorted(one for names in MODULES.values() for one in names)
        raise MeasureError("A102", f"there is no algorithm {name}", help=did_you_mean(name, known) or f"there are {', '.join(known)}; kg measure --algorithms tells what they do")
    import_module(f"kg.analytics.{module}")
    return _known[name]
