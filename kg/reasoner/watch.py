"""Time limit and progress of a run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import duckdb

from kg.errors import RuleError
from kg.reasoner.model import Rule

# A recursion that computes values and still finds some after so many rounds is taken to be endless.
NEW_VALUE_ROUNDS = 10_000


@dataclass(frozen=True)
class Progress:
    """Where a run stands: `stratum` of `strata`, in its `round`; `rule` is one of its rules."""

    stratum: int
    strata: int
    round: int
    rule: str


@dataclass
class Watch:
    """Tells a caller how far the run is, and ends it when `timeout` seconds are over, or when a recursion has made new
    values for `new_value_rounds` rounds."""

    timeout: float | None = None
    on_progress: Callable[[Progress], None] | None = None
    new_value_rounds: int = NEW_VALUE_ROUNDS
    stratum: int = 0
    strata: int = 0
    started: float = field(default_factory=time.perf_counter)

    def check(self, rule: Rule, round_number: int) -> None:
        if self.on_progress is not None:
            self.on_progress(Progress(self.stratum, self.strata, round_number, rule.name))
        if self.timeout is not None and time.perf_counter() - self.started > self.timeout:
            raise self._timed_out(rule)

    def _timed_out(self, rule: Rule | None) -> RuleError:
        which = f" in the stratum of {rule.name}" if rule is not None else ""
        return RuleError(
            "R211",
            f"inference took longer than {self.timeout:g} seconds{which}",
            rule.location if rule is not None else None,
            "give it more time, or look for a rule that joins without a shared variable",
        )

    @contextmanager
    def limiting(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Interrupt a statement that is still running when the time is over."""
        if self.timeout is None:
            yield
            return
        timer = threading.Timer(max(0.0, self.timeout - (time.perf_counter() - self.started)), connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            yield
        except duckdb.InterruptException:
            raise self._timed_out(None) from None
        finally:
            timer.cancel()
