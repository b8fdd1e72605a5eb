"""What is wrong with a request itself: parameters (W1…), formats and methods (W4…), the server's own fault (W5…)."""

from __future__ import annotations

from kg.errors import KgError


class WebError(KgError):
    """A request that this server cannot take; carries its HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400, help: str | None = None, notes: list[str] | None = None) -> None:
        super().__init__(code, message, None, help, notes or [])
        self.status = status
