"""Terms and ids: the round trip in Python and in SQL, and that both agree."""

from decimal import Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import Literal, NamedNode

from kg import terms
from kg.sql import encoding
from kg.terms import XSD_BOOLEAN, XSD_DATE, XSD_DATETIME, XSD_DECIMAL, XSD_INTEGER, Templates

DATATYPES = [XSD_INTEGER, XSD_DECIMAL, XSD_BOOLEAN, XSD_DATE, XSD_DATETIME]


def registry() -> Templates:
    templates = Templates()
    templates.add(3, "http://example.org/item/", "")
    templates.add(700, "http://example.org/o'b/", "/page")
    return templates


SQL = duckdb.connect()
encoding.create_macros(SQL)
SQL.execute(encoding.template_macros(registry().by_number))


def one(query: str, value: object) -> object:
    """The one row of a query over the column x (of the value's own type)."""
    return SQL.execute(query, [value]).fetchone()


def sql_id(lexical: str, datatype: str) -> int | None:
    return one(f"SELECT {encoding.inline_of_lexical(datatype, 'x')} FROM (SELECT ?::VARCHAR AS x)", lexical)[0]


def sql_literal(term_id: int) -> tuple[str, str]:
    query = f"SELECT {encoding.inline_lexical('x')}, {encoding.inline_datatype('x')} FROM (SELECT ?::BIGINT AS x)"
    return one(query, term_id)


def sql_template_id(iri: str) -> int | None:
    return one(f"SELECT {encoding.template_id_of_iri('x')} FROM (SELECT ?::VARCHAR AS x)", iri)[0]


def assert_round_trip(lexical: str, datatype: str) -> None:
    term_id = terms.inline_literal(lexical, datatype)
    assert sql_id(lexical, datatype) == term_id
    if term_id is not None:
        assert terms.uninline(term_id, Templates()) == Literal(lexical, datatype=NamedNode(datatype))
        assert sql_literal(term_id) == (lexical, datatype)


INLINED = [
    ("0", XSD_INTEGER), ("-5", XSD_INTEGER), ("36028797018963967", XSD_INTEGER), ("-36028797018963968", XSD_INTEGER),
    ("1.50", XSD_DECIMAL), ("-0.05", XSD_DECIMAL), ("7", XSD_DECIMAL), ("0.000000000000000001", XSD_DECIMAL),
    ("true", XSD_BOOLEAN), ("2020-02-29", XSD_DATE), ("2020-02-29Z", XSD_DATE), ("2020-02-29+00:00", XSD_DATE),
    ("2020-02-29-05:30", XSD_DATE), ("0001-01-01", XSD_DATE), ("9999-12-31+14:00", XSD_DATE),
    ("2020-06-21T06:30:59.06", XSD_DATETIME), ("2020-06-21T06:30:59.000Z", XSD_DATETIME),
    ("2020-06-21T06:30:59.5-09:30", XSD_DATETIME), ("9999-12-31T23:59:59.999-14:00", XSD_DATETIME),
]  # fmt: skip
NOT_INLINED = [
    ("01", XSD_INTEGER), ("+1", XSD_INTEGER), ("-0", XSD_INTEGER), ("36028797018963968", XSD_INTEGER), (" 1", XSD_INTEGER),
    ("-0.0", XSD_DECIMAL), ("1.", XSD_DECIMAL), (".5", XSD_DECIMAL), ("0.0000000000000000001", XSD_DECIMAL), ("9" * 60, XSD_DECIMAL),
    ("1", XSD_BOOLEAN), ("2021-02-29", XSD_DATE), ("2020-02-29-00:00", XSD_DATE), ("2020-02-29+14:01", XSD_DATE), ("0000-01-01", XSD_DATE),
    ("2020-06-21T06:30:59.1234", XSD_DATETIME), ("2020-06-21T24:00:00", XSD_DATETIME), ("2020-06-21T06:30:60", XSD_DATETIME),
    ("2020-06-21T06:30:59+05:07", XSD_DATETIME), ("2020-06-21", XSD_DATETIME), ("", XSD_INTEGER), ("", XSD_DECIMAL), ("٣", XSD_INTEGER),
]  # fmt: skip


@pytest.mark.parametrize(("lexical", "datatype"), INLINED)
def test_a_canonical_form_is_inlined_and_comes_back(lexical, datatype):
    assert terms.inline_literal(lexical, datatype) is not None
    assert_round_trip(lexical, datatype)


@pytest.mark.parametrize(("lexical", "datatype"), NOT_INLINED)
def test_any_other_form_is_left_to_the_dictionary(lexical, datatype):
    assert terms.inline_literal(lexical, datatype) is None
    assert sql_id(lexical, datatype) is None


@settings(max_examples=400, deadline=None)
@given(st.text(alphabet="0123456789+-.:TZtrue ", max_size=30), st.sampled_from(DATATYPES))
def test_python_and_sql_agree_on_any_text(lexical, datatype):
    assert_round_trip(lexical, datatype)


@settings(max_examples=300, deadline=None)
@given(st.datetimes(), st.integers(0, 3), st.sampled_from(["", "Z", "+08:00", "-03:30", "+00:00"]))
def test_every_date_time_to_the_millisecond_is_inlined(moment, digits, zone):
    text = moment.isoformat(timespec="microseconds")
    lexical = (text[: 20 + digits] if digits else text[:19]) + zone
    assert terms.inline_literal(lexical, XSD_DATETIME) is not None
    assert_round_trip(lexical, XSD_DATETIME)


@settings(max_examples=300, deadline=None)
@given(st.integers(-(2**55) + 1, 2**55 - 1), st.integers(0, 18))
def test_decimals_keep_their_scale_and_their_exact_value(mantissa, scale):
    lexical = terms.decimal_text(mantissa, scale)
    assert_round_trip(lexical, XSD_DECIMAL)
    term_id = terms.inline_literal(lexical, XSD_DECIMAL)
    value = one(f"SELECT {encoding.decimal_value('x')} FROM (SELECT ?::BIGINT AS x)", term_id)[0]
    assert value == Decimal(mantissa).scaleb(-scale)
    assert one(f"SELECT {encoding.decimal_id('x', scale)} FROM (SELECT ?::DECIMAL(38,18) AS x)", value)[0] == term_id


def test_ids_grow_with_their_values():
    numbers = [terms.inline_literal(str(n), XSD_INTEGER) for n in (-10, -1, 0, 5, 10**6)]
    days = [terms.inline_literal(day, XSD_DATE) for day in ("1949-10-01", "1999-12-31", "2026-06-30")]
    assert numbers == sorted(numbers) and days == sorted(days)


def test_a_typed_column_gives_the_same_ids_as_its_text():
    query = (
        f"SELECT {encoding.date_id('d')}, {encoding.datetime_id('t')}, {encoding.integer_id('i')}, {encoding.boolean_id('b')} FROM "
        "(SELECT DATE '2020-02-29' AS d, TIMESTAMP '2020-02-29 10:11:12.5' AS t, 42::HUGEINT AS i, true AS b)"
    )
    typed = SQL.execute(query).fetchone()
    assert typed == (
        terms.inline_literal("2020-02-29", XSD_DATE),
        terms.inline_literal("2020-02-29T10:11:12.5", XSD_DATETIME),
        terms.inline_literal("42", XSD_INTEGER),
        terms.inline_literal("true", XSD_BOOLEAN),
    )


@pytest.mark.parametrize("key", [0, 7, 2**52 - 1])
def test_a_template_iri_is_its_number_and_key(key):
    for iri in (f"http://example.org/item/{key}", f"http://example.org/o'b/{key}/page"):
        term_id = registry().inline(iri)
        assert terms.uninline(term_id, registry()) == NamedNode(iri)
        assert sql_literal(term_id)[0] == iri
        assert sql_template_id(iri) == term_id


@pytest.mark.parametrize("tail", ["007", "-7", str(2**52), "7x", "", "9" * 30])
def test_a_key_written_otherwise_is_no_template_iri(tail):
    assert registry().inline(f"http://example.org/item/{tail}") is None
    assert sql_template_id(f"http://example.org/item/{tail}") is None


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="0179/-x", max_size=20), st.sampled_from(["", "/page", "/page/2"]))
def test_python_and_sql_agree_on_any_iri(tail, suffix):
    for prefix in ("http://example.org/item/", "http://example.org/o'b/"):
        assert sql_template_id(prefix + tail + suffix) == registry().inline(prefix + tail + suffix)


def test_a_template_is_refused_where_the_key_would_be_ambiguous():
    assert not terms.is_inlinable_template("http://example.org/v2", "")
    assert not terms.is_inlinable_template("http://example.org/", "/v2")


def test_the_two_spellings_of_a_simple_string_are_one_term():
    plain, typed = Literal("x"), Literal("x", datatype=NamedNode(terms.XSD_STRING))
    assert terms.dictionary_key(plain) == terms.dictionary_key(typed)
