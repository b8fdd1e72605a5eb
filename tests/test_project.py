"""kg.toml and saved queries: what is read, and what a wrong line says."""

import re
import textwrap

import pytest
from pyoxigraph import Literal, NamedNode

from kg import saved_queries
from kg.errors import ProjectError, QueryError
from kg.project import Project

GOOD = """
[project]
name = "garden"
base = "https://example.org/garden/"
domains = ["core"]

[prefixes]
g = "https://example.org/garden/ontology/"

[store]
keep = 2
memory = "1GB"
"""


def write(tmp_path, toml: str = GOOD, **queries: str) -> Project:
    (tmp_path / "queries" / "core").mkdir(parents=True, exist_ok=True)
    (tmp_path / "kg.toml").write_text(toml, encoding="utf-8")
    for name, text in queries.items():
        (tmp_path / "queries" / "core" / f"{name}.rq").write_text(textwrap.dedent(text), encoding="utf-8")
    return Project.load(tmp_path / "kg.toml")


def test_a_project_knows_its_files_and_their_graphs(tmp_path):
    (tmp_path / "mappings" / "core").mkdir(parents=True)
    (tmp_path / "mappings" / "core" / "tree.r2rml.ttl").touch()
    project = write(tmp_path)
    (file,) = project.mappings()
    assert project.graph_iri("map", file) == "https://example.org/garden/graph/map/core/tree"
    assert project.prefixes["rdfs"] and project.settings == {"memory_limit": "1GB"} and project.keep == 2


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        (GOOD + "kep = 3", r"error P104: unknown key kep in \[store\]\n  .*kg.toml:13:1\n +13 \| kep = 3\n  help: did you mean keep\?"),
        (GOOD.replace("[store]", "[stor]"), r"P103: unknown section \[stor\](.|\n)*did you mean store"),
        (GOOD.replace('name = "garden"', ""), r"P106: \[project\] lacks name"),
        (GOOD.replace("keep = 2", 'keep = "two"'), r"P105: keep in \[store\] has the wrong type"),
        (GOOD.replace('["core"]', '["cor"]'), r"P108: domain cor has no folder(.|\n)*did you mean core"),
        (GOOD.replace("garden/\"\ndomains", "garden\"\ndomains"), r"P107: base must be an absolute IRI that ends in / or #"),
        (GOOD.replace("keep = 2", "keep = = 2"), r"P102: not valid TOML(.|\n)*kg.toml:11:8(.|\n)*keep = = 2"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_named_with_its_remedy(tmp_path, toml, says):
    with pytest.raises(ProjectError) as raised:
        write(tmp_path, toml)
    assert re.search(says, str(raised.value)), str(raised.value)


def test_a_folder_without_a_project_says_how_to_make_one(tmp_path):
    with pytest.raises(ProjectError, match="missing") as raised:
        Project.load(tmp_path)
    assert "kg init" in str(raised.value)


QUERY = """\
    #+ question: Which trees?
    #+ question@zh: 哪些树？
    #+ parameter: kind IRI g:Kind
    #+ parameter: least decimal
    #+ parameter: since date
    #+ default: least=0
    #+ default: since=2020-01-01
    #+ example: kind=g:kind/oak
    SELECT ?tree { ?tree a ?kind }
"""


def test_arguments_become_terms_of_the_declared_types(tmp_path):
    project = write(tmp_path, trees=QUERY)
    saved = saved_queries.find(project, "trees")
    assert saved.question("zh") == "哪些树？" and saved.question("fr") == "Which trees?"
    bound = saved.bindings({"kind": "g:kind/oak", "least": "1.50"}, project.prefixes)
    decimal, date = (NamedNode("http://www.w3.org/2001/XMLSchema#" + name) for name in ("decimal", "date"))
    assert bound == {
        "kind": NamedNode("https://example.org/garden/ontology/kind/oak"),
        "least": Literal("1.50", datatype=decimal),
        "since": Literal("2020-01-01", datatype=date),
    }


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "Q301: core/trees needs a value for kind"),
        ({"kind": "g:x", "lest": "1"}, "did you mean least"),
        ({"kind": "g:x", "least": "1,5"}, "Q303: least must be of type decimal, not '1,5'"),
        ({"kind": "g:x", "since": "2021-02-30"}, "Q303: since must be of type date"),
        ({"kind": "oak"}, "Q305: 'oak' is neither an IRI nor a prefixed name"),
        ({"kind": "http://example.org/a b"}, "Q305"),
    ],
)
def test_a_wrong_argument_is_refused_by_name(tmp_path, arguments, says):
    project = write(tmp_path, trees=QUERY)
    with pytest.raises(QueryError) as raised:
        saved_queries.find(project, "core/trees").bindings(arguments, project.prefixes)
    assert says in str(raised.value)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("#+ qestion: What?", "P201: unknown header line #+ qestion:"),
        ("#+ parameter: kind iri", "did you mean IRI"),
        ("#+ example: sort=1", "P202: a value for sort, which is no parameter"),
        ("#+ default: kind", "P203"),
    ],
)
def test_a_wrong_header_line_is_refused(tmp_path, line, says):
    project = write(tmp_path, trees=f"{line}\nSELECT * {{ ?s ?p ?o }}\n")
    with pytest.raises(ProjectError) as raised:
        saved_queries.load(project)
    assert says in str(raised.value) and "queries/core/trees.rq:1" in str(raised.value)


def test_an_unknown_query_is_refused_with_the_nearest_name(tmp_path):
    with pytest.raises(QueryError) as raised:
        saved_queries.find(write(tmp_path, trees=QUERY), "treees")
    assert "did you mean trees" in str(raised.value)
