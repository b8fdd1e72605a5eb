"""Proposals of mappings: words are found, keys and references too, and what is proposed runs."""

from __future__ import annotations

import csv
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from kg.mapping import Ontology, Sources, bootstrap, load_mapping, materialize, source_of_url
from kg.mapping.model import ReferencingObjectMap
from kg.mapping.naming import likeness, words
from kg.mapping.ontology import OntologyTerm
from kg.project import Project
from kg.store import Store

ROOT = Path(__file__).parent.parent
BASE = "http://example.org/"
ONTOLOGY = """
@prefix ex: <http://example.org/ontology/> . @prefix owl: <http://www.w3.org/2002/07/owl#> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
ex:Tree a owl:Class ; rdfs:label "tree"@en , "树"@zh . ex:Gardener a owl:Class ; rdfs:label "gardener"@en , "园丁"@zh .
ex:hasHeight a owl:DatatypeProperty ; rdfs:domain ex:Tree ; rdfs:range xsd:decimal ; rdfs:label "has height"@en , "高度为"@zh .
ex:isTendedBy a owl:ObjectProperty ; rdfs:domain ex:Tree ; rdfs:range ex:Gardener ; rdfs:label "is tended by"@en , "照料者为"@zh .
ex:plantedOn a owl:DatatypeProperty ; rdfs:domain ex:Tree ; rdfs:range xsd:date ; rdfs:label "planted on"@en , "种植于"@zh .
"""


def proposal(folder: Path, ontology: str = ONTOLOGY, source: Path | None = None) -> str:
    (folder / "ontology").mkdir()
    (folder / "ontology/o.ttl").write_text(ontology)
    return bootstrap(source_of_url(source or folder), str(source or folder), base=BASE, ontology=Ontology.read([folder / "ontology/o.ttl"]))


def made(folder: Path, text: str, source: Path | None = None) -> set[str]:
    mapping = folder / "p.r2rml.ttl"
    mapping.write_text(text)
    with Store.memory() as store:
        report = materialize(store, mapping, Sources(source_of_url(source or folder)), base=BASE)
        assert not report.rejects
        rows = store.connection.execute("SELECT s, p, o FROM quads").fetchall()
        terms = store.decode({term for row in rows for term in row})
    return {" ".join(str(terms[term]) for term in row).replace(f"<{BASE}", "ex:").replace("<http://www.w3.org/2001/XMLSchema#", "xsd:").replace(">", "") for row in rows}


def test_words_types_keys_and_references_are_found(tmp_path):
    (tmp_path / "trees.csv").write_text("id,name,height,planted,gardener_id,mood\n1,oak,12,2001-02-03,7,good\n2,pear,4.5,2001-02-04,8,\n")
    (tmp_path / "gardener.csv").write_text("name,gardener_id\nAnn,7\nAnn,8\n")
    text = proposal(tmp_path)
    assert made(tmp_path, text) >= {
        "ex:id/tree/1 <http://www.w3.org/1999/02/22-rdf-syntax-ns#type ex:ontology/Tree", "ex:id/tree/1 ex:ontology/hasHeight \"12\"^^xsd:decimal",
        'ex:id/tree/2 ex:ontology/plantedOn "2001-02-04"^^xsd:date', "ex:id/tree/2 ex:ontology/hasGardener ex:id/gardener/8",
        'ex:id/gardener/7 <http://www.w3.org/2000/01/rdf-schema#label "Ann"', 'ex:id/tree/1 ex:ontology/hasMood "good"',
    }  # fmt: skip
    assert "hasMood" in text and next(line for line in text.splitlines() if "hasMood" in line).endswith("# TODO: no property of the ontology has such a name")


def test_chinese_names_find_chinese_labels(tmp_path):
    (tmp_path / "树.csv").write_text("编号,名称,高度,种植日期\n1,橡树,12.5,2001-02-03\n")
    found = made(tmp_path, proposal(tmp_path))
    assert 'ex:id/树/1 ex:ontology/hasHeight "12.5"^^xsd:decimal' in found
    assert 'ex:id/树/1 <http://www.w3.org/2000/01/rdf-schema#label "橡树"' in found
    assert "ex:id/树/1 <http://www.w3.org/1999/02/22-rdf-syntax-ns#type ex:ontology/Tree" in found


def test_a_database_tells_keys_and_references(tmp_path):
    path = tmp_path / "garden.db"
    with sqlite3.connect(path) as database:
        database.executescript(
            'CREATE TABLE gardener (nr INTEGER PRIMARY KEY, badge TEXT UNIQUE); CREATE TABLE tree (plot INTEGER, "Nr (in plot)" INTEGER, height DECIMAL(5,2), '
            'tender INTEGER REFERENCES gardener(nr), badge TEXT REFERENCES gardener(badge), PRIMARY KEY (plot, "Nr (in plot)"));'
            "INSERT INTO gardener VALUES (7, 'A{7}'); INSERT INTO tree VALUES (1, 2, 3.5, 7, 'A{7}'), (1, 3, NULL, NULL, NULL);"
        )
    text = proposal(tmp_path, source=path)
    found = made(tmp_path, text, path)
    assert {'ex:id/tree/1/2 ex:ontology/hasHeight "3.50"^^xsd:decimal', "ex:id/tree/1/2 ex:ontology/hasTender ex:id/gardener/7", "ex:id/tree/1/2 ex:ontology/hasBadge ex:id/gardener/7"} <= found
    joins = [one for maps in load_mapping(tmp_path / "p.r2rml.ttl", BASE).triples_maps for pair in maps.predicate_object_maps for one in pair.objects if isinstance(one, ReferencingObjectMap)]
    assert len(joins) == 1


def test_a_column_that_says_key_refers_to_the_range_of_its_property(tmp_path):
    (tmp_path / "tree.csv").write_text("id,tended_id\n1,7\n2,7\n")
    (tmp_path / "gardener.csv").write_text("id,name\n7,Ann\n")
    (tmp_path / "spade.csv").write_text("id,name\n7,big\n")
    assert "ex:id/tree/1 ex:ontology/isTendedBy ex:id/gardener/7" in made(tmp_path, proposal(tmp_path))


def test_the_proposal_for_the_sample_tables_makes_a_triple_of_every_value(tmp_path):
    project = Project.load(ROOT)
    sample = ROOT / "mappings" / "bank" / "sample"
    ontology = Ontology.read(file.path for file in project.ontology())
    text = bootstrap(source_of_url(sample), str(sample), base=project.base, ontology=ontology, prefixes=dict(project.prefixes))
    values = set()  # what each row says: that it is there, and each of its values
    for file in sample.glob("*.csv"):
        with file.open(encoding="utf-8") as rows:
            for row in csv.DictReader(rows):
                key = row.get("id") or row["agreement_id"]  # one table has no key: its rows share subjects
                values |= {(file.stem, key), *((file.stem, key, name, value) for name, value in row.items() if value and name != "id")}
    (tmp_path / "p.r2rml.ttl").write_text(text)
    with Store.memory() as store:
        report = materialize(store, tmp_path / "p.r2rml.ttl", Sources(source_of_url(sample)), base=BASE)
    assert (report.triples, report.rejects) == (len(values), 0)
    for line in ("rr:predicate bank:hasPayer ; rr:objectMap [ rr:template \"https://example.org/bank/id/account/{payer_account_id}\"", "rr:predicate bank:hasRegisteredCapital",
                 "rr:predicate bank:hasBorrower ; rr:objectMap [ rr:template \"https://example.org/bank/id/enterprise/{borrower_id}\"", "rr:class bank:AccountManager"):  # fmt: skip
        assert line in text


def test_the_command_writes_a_proposal_that_runs_and_takes_no_files_place(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables/tree.csv").write_text("id|name\n1|oak\n")

    def kg(*arguments: str, code: int = 0) -> str:
        done = subprocess.run([sys.executable, "-m", "kg", "map", *arguments], capture_output=True, text=True, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)})
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    assert "1 table, 1 place to complete" in kg("--bootstrap", "tables", "-o", "p.r2rml.ttl")
    assert "P402" in kg("--bootstrap", "tables", "-o", "p.r2rml.ttl", code=2)
    (tmp_path / "sources.toml").write_text('[default]\npath = "tables"\ndelimiter = "|"\n')
    assert '"oak"' in kg("p.r2rml.ttl") and "0 findings" in kg("p.r2rml.ttl", "--lint")
    assert json.loads(kg("p.r2rml.ttl", "--preview", "1", "--format", "json"))[0]["rows"][0]["values"] == {"id": "1", "name": "oak"}
    assert 'delimiter = "|"' in (tmp_path / "p.r2rml.ttl").read_text()
    assert "rr:tableName" in kg("--bootstrap", "sources.toml")


@pytest.mark.parametrize(("name", "label", "is_alike"), [
    ("account_number", "has account number", True), ("PlantedOn", "planted on", True), ("高度", "高度为", True), ("企业", "自然人", False), ("amount", "has name", False), ("trees", "tree", True),
])  # fmt: skip
def test_names_are_alike_whose_words_are(name, label, is_alike):
    assert (likeness(words(name), OntologyTerm("http://example.org/x9", "data", [label])) > 0.7) == is_alike
