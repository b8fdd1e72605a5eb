"""Dates, times and durations of XML Schema as values: read, written, compared, added (XSD 1.1, section 3.3 and appendix E).

Years, months, days and seconds are exact; a moment without a time zone counts as UTC where it is compared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction

from pyoxigraph import Literal, NamedNode

from kg.terms import XSD, XSD_DATE, XSD_DATETIME

XSD_TIME = XSD + "time"
YEAR_MONTH, DAY_TIME = XSD + "yearMonthDuration", XSD + "dayTimeDuration"

_DAY = 86_400
_YEAR_MONTH_FORM = re.compile(r"(-?)P(?=\d)(?:(\d+)Y)?(?:(\d+)M)?")
_DAY_TIME_FORM = re.compile(r"(-?)P(?=[\dT])(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_ZONE = r"(Z|[+-]\d\d:\d\d)?"
_FORMS = {
    XSD_DATETIME: re.compile(rf"(-?\d{{4,}})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d(?:\.\d+)?){_ZONE}"),
    XSD_DATE: re.compile(rf"(-?\d{{4,}})-(\d\d)-(\d\d)()()(){_ZONE}"),
    XSD_TIME: re.compile(rf"()()()(\d\d):(\d\d):(\d\d(?:\.\d+)?){_ZONE}"),
}


# ── Durations ────────────────────────────────────────────────────────────────────────────────────────────────


def months_of(literal: Literal) -> int:
    """The months of a yearMonthDuration. ValueError for another literal."""
    match = _YEAR_MONTH_FORM.fullmatch(literal.value) if literal.datatype.value == YEAR_MONTH else None
    if match is None:
        raise ValueError(literal)
    months = int(match[2] or 0) * 12 + int(match[3] or 0)
    return -months if match[1] else months


def seconds_of(literal: Literal) -> Decimal:
    """The seconds of a dayTimeDuration. ValueError for another literal."""
    match = _DAY_TIME_FORM.fullmatch(literal.value) if literal.datatype.value == DAY_TIME else None
    if match is None:
        raise ValueError(literal)
    days, hours, minutes = (int(part or 0) for part in match.group(2, 3, 4))
    seconds = days * _DAY + hours * 3600 + minutes * 60 + Decimal(match[5] or 0)
    return -seconds if match[1] else seconds


def year_month(months: int) -> Literal:
    """
    >>> year_month(-14).value
    '-P1Y2M'
    """
    years, rest = divmod(abs(months), 12)
    text = (f"{years}Y" if years else "") + (f"{rest}M" if rest or not years else "")
    return Literal(f"{'-' if months < 0 else ''}P{text}", datatype=NamedNode(YEAR_MONTH))


def day_time(seconds: Decimal) -> Literal:
    """
    >>> day_time(Decimal(90061)).value
    'P1DT1H1M1S'
    """
    whole = abs(Decimal(seconds))
    days, rest = divmod(whole, _DAY)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    clock = "".join(f"{amount:f}{letter}" for amount, letter in ((hours, "H"), (minutes, "M"), (_plain(rest), "S")) if amount)
    text = (f"{days:f}D" if days else "") + (f"T{clock}" if clock else "")
    return Literal(f"{'-' if seconds < 0 else ''}P{text or 'T0S'}", datatype=NamedNode(DAY_TIME))


def _plain(number: Decimal) -> Decimal:
    return number.quantize(Decimal(1)) if number == number.to_integral_value() else number.normalize()


# ── Moments ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Moment:
    """A dateTime, date (at its first second) or time (on a day of its own); `zone` are minutes east of UTC, or None."""

    datatype: str
    year: int = 1972
    month: int = 12
    day: int = 31
    hour: int = 0
    minute: int = 0
    second: Decimal = Decimal(0)
    zone: int | None = None

    def __post_init__(self) -> None:
        if not (1 <= self.month <= 12 and 1 <= self.day <= days_in(self.year, self.month)):
            raise ValueError(f"{self.year}-{self.month}-{self.day} is no day")
        if not (0 <= self.hour < 24 and 0 <= self.minute < 60 and 0 <= self.second < 60):
            raise ValueError(f"{self.hour}:{self.minute}:{self.second} is no time of day")
        if self.zone is not None and not -840 <= self.zone <= 840:
            raise ValueError(f"{self.zone} minutes are no time zone")

    @property
    def seconds(self) -> Decimal:
        """On one line with all other moments."""
        return self._local() - 60 * (self.zone or 0)

    def _local(self) -> Decimal:
        return Decimal(_day_number(self.year, self.month, self.day) * _DAY + self.hour * 3600 + self.minute * 60) + self.second

    def plus_months(self, months: int) -> Moment:
        """The same day of another month, or that month's last (appendix E)."""
        year, month = divmod(self.year * 12 + self.month - 1 + months, 12)
        return replace(self, year=year, month=month + 1, day=min(self.day, days_in(year, month + 1)))

    def plus_seconds(self, seconds: Decimal) -> Moment:
        """A date keeps its day only as far as whole days go; a time goes round midnight."""
        local = self._local() + seconds
        days = (local / _DAY).to_integral_value(ROUND_FLOOR)
        hours, rest = divmod(local - days * _DAY, 3600)
        minutes, second = divmod(rest, 60)
        if self.datatype == XSD_DATE:
            hours, minutes, second = 0, 0, Decimal(0)
        year, month, day = (self.year, self.month, self.day) if self.datatype == XSD_TIME else _date_of(int(days))
        return replace(self, year=year, month=month, day=day, hour=int(hours), minute=int(minutes), second=second)

    def literal(self) -> Literal:
        zone = "" if self.zone is None else zone_text(self.zone)
        date = f"{'-' if self.year < 0 else ''}{abs(self.year):04}-{self.month:02}-{self.day:02}"
        whole, _, fraction = f"{_plain(self.second):f}".partition(".")
        clock = f"{self.hour:02}:{self.minute:02}:{whole.zfill(2)}{'.' + fraction if fraction else ''}"
        text = {XSD_DATE: date, XSD_TIME: clock, XSD_DATETIME: f"{date}T{clock}"}[self.datatype]
        return Literal(text + zone, datatype=NamedNode(self.datatype))


def moment_of(literal: Literal, *kinds: str) -> Moment:
    """The value of a literal of one of these datatypes (default: all). ValueError for another literal."""
    kind = literal.datatype.value
    match = _FORMS[kind].fullmatch(literal.value) if kind in (kinds or _FORMS) else None
    if match is None:
        raise ValueError(literal)
    year, month, day, hour, minute, second, zone = match.groups()
    date = {} if kind == XSD_TIME else {"year": int(year), "month": int(month), "day": int(day)}
    clock = {} if kind == XSD_DATE else {"hour": int(hour), "minute": int(minute), "second": Decimal(second)}
    return Moment(kind, **date, **clock, zone=zone_of(zone))


def zone_of(text: str | None) -> int | None:
    """Minutes of `Z` or `+08:00`; None of no text."""
    if not text:
        return None
    if text == "Z":
        return 0
    if not re.fullmatch(r"[+-]\d\d:\d\d", text):
        raise ValueError(text)
    minutes = int(text[1:3]) * 60 + int(text[4:])
    return -minutes if text[0] == "-" else minutes


def zone_text(minutes: int) -> str:
    return "Z" if minutes == 0 else f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def months_between(later: Moment, earlier: Moment) -> int:
    """Whole months from one dateTime to the other (XPath 2.0, the draft that SWRL names)."""
    if later.seconds < earlier.seconds:
        return -months_between(earlier, later)
    months = (later.year - earlier.year) * 12 + later.month - earlier.month
    return months - 1 if earlier.plus_months(months).seconds > later.seconds else months


def days_in(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if month == 2 and leap else (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]


def _day_number(year: int, month: int, day: int) -> int:
    """Days since 0000-03-01 of the proleptic Gregorian calendar."""
    year, month = (year - 1, month + 9) if month < 3 else (year, month - 3)
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 1


def _date_of(number: int) -> tuple[int, int, int]:
    """The inverse of `_day_number`."""
    era, of_era = divmod(number, 146_097)
    of_cycle = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * of_cycle + of_cycle // 4 - of_cycle // 100)
    shifted = (5 * of_year + 2) // 153
    day = of_year - (153 * shifted + 2) // 5 + 1
    month = shifted + 3 if shifted < 10 else shifted - 9
    return era * 400 + of_cycle + (1 if month < 3 else 0), month, day


def rounded_months(months: Fraction) -> int:
    """Half a month goes up, as fn:round does."""
    return (2 * months.numerator + months.denominator) // (2 * months.denominator)
