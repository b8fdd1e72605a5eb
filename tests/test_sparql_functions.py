"""Functions, operators and casts (SPARQL 1.1, section 17): what they give, and when they are errors."""

from __future__ import annotations

import hashlib

import pytest
from pyoxigraph import NamedNode

from kg.errors import NotSupported, QueryError
from kg.sparql.evaluate import evaluate
from kg.store import Store
from kg.store.documents import load
from tests.test_sparql_compile import PREFIXES, graph, rows


def value(expression: str) -> str | None:
    """The lexical form of an expression's value; None where it is an error."""
    ((term,),) = evaluate(Store.memory(), f"SELECT ({expression} AS ?x) {{}}", prefixes=PREFIXES)
    return None if term is None else getattr(term, "value", str(term))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 / 3", "0.333333333333333333"),
        ("2 / 3.0", "0.666666666666666667"),
        ("-2 / 3", "-0.666666666666666667"),
        ("0.1 + 0.2", "0.3"),
        ("100000000000000000000 * 3", "300000000000000000000"),
        ("1 / 0", None),
        ("1e0 / 0", "INF"),
        ("9007199254740993 + 0", "9007199254740993"),
        ("ROUND(-2.5)", "-2"),
        ("FLOOR(-1.2)", "-2"),
        ("(1 / 3) * (1 / 3)", "0.111111111111111111"),
        ("(1 / 3) * 300000000000", "99999999999.9999999"),
        ("'a' + 1", None),
    ],
)
def test_arithmetic_is_exact(expression: str, expected: str | None):
    assert value(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("SUBSTR('hello', 0, 3)", "he"),
        ("SUBSTR('hello', -1)", "hello"),
        ("STRBEFORE('abc', '')", ""),
        ("STRAFTER('abc'@en, 'b')", "c"),
        ("CONTAINS('abc'@en, 'b'@de)", None),
        ("REPLACE('abcd', 'b(.)', '[$1]')", "a[c]d"),
        ("REGEX('ABC', '^b', 'i')", "false"),
        ("STRLEN('é€😀')", "3"),
        ("ENCODE_FOR_URI('Ö b')", "%C3%96%20b"),
        ("YEAR('2024-02-29T23:00:00-05:00'^^xsd:dateTime)", "2024"),
        ("SECONDS('2024-02-29T23:00:07.25Z'^^xsd:dateTime)", "7.25"),
        ("TZ('2024-02-29T23:00:00-05:00'^^xsd:dateTime)", "-05:00"),
        ("TIMEZONE('2024-02-29T23:00:00-05:30'^^xsd:dateTime)", "-PT5H30M"),
        ("SHA512('')", "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"),
    ],
)
def test_strings_and_dates(expression: str, expected: str | None):
    assert value(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("xsd:integer('12')", "12"),
        ("xsd:integer(-3.7)", "-3"),
        ("xsd:integer('1.5')", None),
        ("xsd:decimal(1.5e0)", "1.5"),
        ("xsd:double('INF')", "INF"),
        ("xsd:boolean('yes')", None),
        ("xsd:boolean(0.0)", "false"),
        ("xsd:date('2024-02-30')", None),
        ("xsd:dateTime('2024-02-28T01:02:03Z')", "2024-02-28T01:02:03Z"),
        ("xsd:string(1.50)", "1.5"),
    ],
)
def test_casts(expression: str, expected: str | None):
    assert value(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 = 1.0", "true"),
        ("'01'^^xsd:integer = 1", "true"),
        ("'2024-01-01T00:00:00Z'^^xsd:dateTime = '2024-01-01T02:00:00+02:00'^^xsd:dateTime", "true"),
        ("'2024-01-01T00:00:00Z'^^xsd:dateTime < '2024-01-01T01:00:00'^^xsd:dateTime", None),
        ("'a'^^:unknown = 'b'^^:unknown", None),
        ("'a'^^:unknown = 'a'^^:unknown", "true"),
        (":a < :b", None),
        ("'NaN'^^xsd:double = 'NaN'^^xsd:double", "false"),
        ("1 IN (2, 1 / 0)", None),
        ("1 IN (1 / 0, 1)", "true"),
        ("COALESCE(1 / 0, 'x')", "x"),
        ("IF(1 / 0, 1, 2)", None),
    ],
)
def test_comparisons_and_errors(expression: str, expected: str | None):
    assert value(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("'2024-03-01'^^xsd:date - '2024-02-01'^^xsd:date", "P29D"),
        ("'2024-03-01T10:00:00Z'^^xsd:dateTime - '2024-02-29T12:30:00+03:00'^^xsd:dateTime", "P1DT30M"),
        ("'2024-03-01'^^xsd:date + 'P1D'^^xsd:dayTimeDuration", "2024-03-02"),
        ("'2024-03-01T00:00:00Z'^^xsd:dateTime - 'PT1S'^^xsd:dayTimeDuration", "2024-02-29T23:59:59Z"),
        ("'P1D'^^xsd:dayTimeDuration = 'PT24H'^^xsd:dayTimeDuration", "true"),
        ("'9999-12-31'^^xsd:date + 'P1D'^^xsd:dayTimeDuration", None),
    ],
)
def test_dates_and_durations(expression: str, expected: str | None):
    assert value(expression) == expected


TIMES = [
    *(f'"{text}"^^xsd:date' for text in ("2024-02-29", "2024-02-29Z", "2024-02-29+05:30", "2024-02-29-05:07", "12024-01-31", "0001-01-01", "2024-02-29+00:00", "2024-02-30")),
    *(f'"{text}"^^xsd:dateTime' for text in ("2024-02-29T23:10:07.25Z", "2024-02-29T23:10:07", "2024-02-29T23:10:07-05:30", "2024-02-29T23:10:07.123456Z", "2024-02-29T23:10:07+05:07")),
    '"2024-02-29"', '" 2024-02-29T01:02:03Z "', '"2024-02-30"', '"12024-01-31"', '"noon"', "7", '"2024-02-29"@en', "true",
]  # fmt: skip


@pytest.mark.parametrize("cast", ["xsd:date(?v)", "xsd:dateTime(?v)", "xsd:date(xsd:dateTime(?v))", "xsd:dateTime(xsd:date(?v))"])
def test_times_of_the_graph_are_cast_and_taken_apart_like_constants(cast: str):
    store = graph(" ".join(f":n{place} :at {literal} ." for place, literal in enumerate(TIMES)))
    parts = [f"STR({part}({cast}))" for part in ("STR", "YEAR", "SECONDS", "TZ")]
    rows_found = evaluate(store, f"SELECT ?n {_selected(parts)} {{ ?n :at ?v }}", prefixes=PREFIXES)
    found = {row[0].value.rpartition("n")[2]: row[1:] for row in rows_found}
    for place, literal in list(enumerate(TIMES))[:: 6 if cast.count("xsd:") > 1 else 3]:  # constants take the longest
        ((*expected,),) = evaluate(store, f"SELECT {_selected(parts).replace('?v', literal)} {{}}", prefixes=PREFIXES)
        assert list(found[str(place)]) == expected, literal


def _selected(expressions: list[str]) -> str:
    return " ".join(f"({expression} AS ?x{place})" for place, expression in enumerate(expressions))


def test_a_cast_time_joins_with_the_same_time_in_the_graph():
    store = graph(':a :on "2024-02-29+05:07"^^xsd:date, "2024-02-28"^^xsd:date . :b :at "2024-02-29T00:00:00+05:07"^^xsd:dateTime, "2024-02-28T00:00:00"^^xsd:dateTime .')
    assert len(rows(store, "SELECT * { :a :on ?day BIND(xsd:dateTime(?day) AS ?at) :b :at ?at }")) == 2
    assert len(rows(store, "SELECT * { :b :at ?at BIND(xsd:date(?at) AS ?day) :a :on ?day }")) == 2


def test_long_hashes_of_the_graph_are_those_of_constants():
    store = graph(':a :p "x", "y"@en, 1 .')
    texts = [hashlib.sha384(text.encode()).hexdigest() for text in "xy"]
    assert sorted(rows(store, "SELECT ?h { :a :p ?v BIND(SHA384(?v) AS ?h) FILTER(BOUND(?h)) }")) == sorted((text,) for text in texts)


def test_a_difference_of_dates_is_compared_with_a_duration_of_the_graph():
    store = graph(
        ":a :from '2024-01-01'^^xsd:date ; :to '2024-01-31'^^xsd:date . :b :from '2024-01-01'^^xsd:date ; :to '2024-04-01'^^xsd:date . "
        ":limit :is 'P30D'^^xsd:dayTimeDuration ."
    )
    assert rows(store, "SELECT ?s { ?s :from ?f ; :to ?t . :limit :is ?l FILTER(?t - ?f <= ?l) }") == [(":a",)]


def test_a_number_beyond_38_digits_is_refused_and_never_wrong():
    store = graph(":a :p 36000000000000000 .")
    with pytest.raises(QueryError, match="38 digits"):
        rows(store, "SELECT (?v * ?v * ?v AS ?x) { :a :p ?v }")


def test_a_computed_text_joins_with_the_same_text_in_the_graph():
    store = graph(':a :name "xy" . :b :first "x" ; :last "y" .')
    assert rows(store, "SELECT ?s { :b :first ?f ; :last ?l BIND(CONCAT(?f, ?l) AS ?n) ?s :name ?n }") == [(":a",)]


def test_a_computed_number_joins_as_a_term():
    store = graph(":a :n 3 . :b :n 3.0 . :c :one 1 ; :two 2 .")
    assert rows(store, "SELECT ?s { :c :one ?x ; :two ?y BIND(?x + ?y AS ?n) ?s :n ?n }") == [(":a",)]


def test_an_unknown_function_is_named_with_its_place():
    with pytest.raises(NotSupported, match="not supported") as raised:
        evaluate(Store.memory(), "SELECT (:f(1) AS ?x) {}", prefixes=PREFIXES)
    assert raised.value.location.line == 1


@pytest.mark.parametrize("condition", ['LANGMATCHES(LANG(?x), "en")', 'LANG(?x) = "en"', 'LANGMATCHES(LANG(?x), "*")', "DATATYPE(?x) = :b"])
def test_a_filter_on_literals_over_a_predicate_that_has_none_finds_nothing(condition):
    with Store.memory() as store:
        load(store, b"<http://example.org/a> <http://example.org/q> <http://example.org/b> .", format="nt")
        for pattern in ("?s :q ?x", "OPTIONAL { ?s :q ?x }"):
            assert list(evaluate(store, f"SELECT * {{ {pattern} FILTER({condition}) }}", prefixes=PREFIXES)) == []


def test_a_bound_variable_is_filled_into_the_template():
    with Store.memory() as store:
        load(store, b"<http://example.org/a> <http://example.org/q> <http://example.org/b> .", format="nt")
        triples = evaluate(
            store, "CONSTRUCT { ?x :r ?s } WHERE { ?s :q ?x }", prefixes=PREFIXES, bindings={"x": NamedNode("http://example.org/b")}
        )
        assert [triple.subject.value for triple in triples] == ["http://example.org/b"]
