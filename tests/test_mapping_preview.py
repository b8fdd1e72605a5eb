"""The first rows of a mapping beside their triples."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from kg.mapping import preview, source_of_url
from kg.mapping.sources import Sources
from tests.test_mapping import BASE, PREFIXES, thing


@pytest.fixture
def shown(tmp_path):
    (tmp_path / "thing.csv").write_text("id,name,n,other\n1,a,5,x\n2,,many,y\n,c,7,x\n4,d,8,x\n")
    (tmp_path / "other.csv").write_text("key,title\nx,X\nz,Z\n")
    joined = 'ex:like rr:parentTriplesMap ex:OtherMap ; rr:joinCondition [ rr:child "other" ; rr:parent "key" ]'
    mapping = tmp_path / "m.r2rml.ttl"
    mapping.write_text(
        PREFIXES + thing('ex:name rr:column "name"', 'ex:n rr:column "n" ; rr:datatype xsd:integer', joined)
        + thing(subject='rr:template "http://example.org/o/{key}"', table="other")
    )  # fmt: skip
    return mapping


def lines(row) -> list[str]:
    return [" ".join(map(str, triple)).replace("<http://example.org/", "ex:").replace(">", "") for triple in row.triples]


def test_rows_stand_beside_their_triples_and_rejects(shown):
    first, second = preview(shown, Sources(source_of_url(shown.parent)), base=BASE, rows=3)
    assert [row.values["name"] for row in first.rows] == ["a", None, "c"]
    assert lines(first.rows[0]) == ['ex:1 ex:name "a"', 'ex:1 ex:n "5"^^<http://www.w3.org/2001/XMLSchema#integer', "ex:1 ex:like ex:o/x"]
    assert lines(first.rows[1]) == [] and first.rows[1].rejects == [("n", "many", "is not an xsd:integer")]
    assert lines(first.rows[2]) == [] and first.rows[2].rejects == [("id", None, "is NULL: the row has no subject")]
    assert [row.number for row in second.rows] == [1, 2] and not any(row.triples for row in second.rows)


def test_the_command_shows_it_as_a_table_and_as_json(shown):
    def kg(*arguments: str) -> str:
        return subprocess.run([sys.executable, "-m", "kg", "map", str(shown), "--source", f"default={shown.parent}", *arguments], capture_output=True, text=True, check=True).stdout

    found = json.loads(kg("--preview", "2", "--format", "json"))
    assert found[0]["triplesMap"] == "ThingMap" and found[0]["rows"][1]["rejects"] == [{"column": "n", "value": "many", "reason": "is not an xsd:integer"}]
    assert found[0]["rows"][0]["values"] == {"id": "1", "name": "a", "n": "5", "other": "x"}
    table = kg("--preview", "2")
    assert "ex:1 ex:name \"a\"" in table.replace("<http://example.org/", "ex:") and "rejected: n = 'many' is not an xsd:integer" in table
