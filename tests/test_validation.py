"""Validation as the last stage of a build, its report kept up to date, and the guard that looks at changes before they are kept."""

import pytest

from kg import KgError, KnowledgeGraph
from kg.shapes.stored import StoredReport
from kg.shapes.validate import validate
from kg.store import journal
from kg.validation import shapes_of, stored_report
from tests.small_project import write

PREFIXES = "PREFIX g: <https://example.org/garden/ontology/> PREFIX tree: <https://example.org/garden/id/tree/> "
SHAPES = """@prefix g: <https://example.org/garden/ontology/> .
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix shape: <https://example.org/garden/shape/> .
shape:tree sh:targetClass g:Tree ; sh:property shape:height , [ sh:path g:isTendedBy ; sh:minCount 1 ; sh:severity sh:Warning ] ,
    [ sh:path ( g:isTendedBy g:isCalled ) ; sh:maxCount 1 ] .
shape:height sh:path g:hasHeight ; sh:minCount 1 ; sh:minInclusive 5 ; sh:message "{?value} m is no tree"@en , "{?value} 米不成树"@zh .
shape:tall sh:targetClass g:TallTree ; sh:property [ sh:path g:hasHeight ; sh:maxInclusive 100 ] .
"""


@pytest.fixture
def garden(tmp_path):
    folder = write(tmp_path / "garden")
    (folder / "rules/garden/shapes").mkdir()
    (folder / "rules/garden/shapes/tree.ttl").write_text(SHAPES, encoding="utf-8")
    with KnowledgeGraph.open(folder) as graph:
        yield graph


def configure(graph, text):
    path = graph.project.root / "kg.toml"
    path.write_text(path.read_text(encoding="utf-8") + f"\n[validation]\n{text}\n", encoding="utf-8")
    return KnowledgeGraph.open(path)


def said(graph):
    """What the stored report says, as whoever reads a page of it sees it."""
    report = stored_report(graph.project, graph.store)
    found = sorted((one.shape_name, one.path_text, one.message(), one.message("zh"), str(one.focus_node), one.severity.value) for one in report.page())
    assert sum(one.results for one in report.counts()) == len(found)
    return found


def whole(graph):
    report = validate(graph.store, shapes_of(graph.project))
    return sorted((one.shape_name, one.path_text, one.message(), one.message("zh"), str(one.focus_node), one.severity.value) for one in report.results)


# ── The stage ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_build_ends_with_a_report_in_a_graph_of_its_own(garden):
    step = garden.build().steps[-1]
    assert (step.stage, step.triples, step.details.severities) == ("validate", 1, {"Violation": 1})
    rows = list(garden.query("PREFIX sh: <http://www.w3.org/ns/shacl#> SELECT ?node { GRAPH <https://example.org/garden/graph/validate/report> "
                             "{ ?report sh:conforms false ; sh:result/sh:focusNode ?node } }"))  # fmt: skip
    assert [row[0].value for row in rows] == ["https://example.org/garden/id/tree/2"]
    assert said(garden) == whole(garden) and len(said(garden)) == 1
    assert garden.status().validation.severities == {"Violation": 1}


def test_nothing_is_validated_twice_and_the_rules_do_not_run_because_of_a_report(garden):
    garden.build()
    assert not garden.build().is_changed


def test_a_build_after_an_edit_checks_what_the_edit_touched(garden):
    garden.build()
    garden.update(PREFIXES + "INSERT DATA { tree:9 a g:Tree ; g:hasHeight 200 }")
    assert len(said(garden)) == 1
    assert not garden.status().validation.is_current
    step = garden.build().steps[-1]
    assert step.stage == "validate" and step.details.is_incremental
    assert said(garden) == whole(garden)
    assert {(one[0], one[2]) for one in said(garden)} >= {("shape:tall / g:hasHeight", "200 is greater than 100, or cannot be compared with it")}


def test_other_shapes_are_checked_from_scratch(garden):
    garden.build()
    path = garden.project.root / "rules/garden/shapes/tree.ttl"
    path.write_text(SHAPES.replace("minInclusive 5", "minInclusive 15"), encoding="utf-8")
    step = garden.build().steps[-1]
    assert not step.details.is_incremental and step.triples == 2 and said(garden) == whole(garden)
    path.unlink()
    garden.build()
    assert not any(graph["iri"].endswith("validate/report") and graph["triples"] for graph in garden.store.graphs())


def test_validation_alone_can_be_run_and_left_out(garden):
    garden.build(only="map")
    assert garden.status().validation is None
    assert [step.stage for step in garden.build(only="validate").steps] == ["validate"]
    with configure(garden, "on = false") as quiet:
        assert all(step.stage != "validate" for step in quiet.build().steps)
        assert quiet.status().validation is None


def test_a_build_that_must_conform_publishes_nothing_where_it_does_not(garden):
    with configure(garden, 'fail = "violation"') as strict:
        with pytest.raises(KgError) as error:
            strict.build()
        assert error.value.code == "H301" and "shape:height" in str(error.value) and "4.00 m is no tree" in str(error.value)
        with pytest.raises(KgError, match="there is no graph"):
            strict.status()
        assert strict.build(allow="violation").is_changed


def test_settings_of_validation_are_checked(garden):
    with pytest.raises(KgError) as error:
        configure(garden, 'guard = "rejct"')
    assert error.value.code == "P111" and "reject" in error.value.help and error.value.location.line


# ── The guard ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_change_that_violates_shapes_is_refused_and_nothing_is_written(garden):
    garden.build()
    before = garden.status().version
    with pytest.raises(KgError) as error:
        garden.update(PREFIXES + "INSERT DATA { tree:9 a g:Tree ; g:hasHeight 1 }", guard="reject")
    assert error.value.code == "H302" and "1 m is no tree" in str(error.value)
    assert [one["sentences"]["zh"] for one in error.value.report["introduced"] if one["severity"] == "Violation"] == [
        "<https://example.org/garden/id/tree/9> (g:hasHeight) 不符合 shape:height：1 米不成树"
    ]
    assert garden.status().version == before


def test_what_was_wrong_before_does_not_stand_in_the_way(garden):
    garden.build()
    report = garden.update(PREFIXES + "INSERT DATA { tree:2 g:isCalled 'the small one' }", guard="reject").validation
    assert report.introduced == ()
    report = garden.update(PREFIXES + "DELETE { GRAPH ?g { ?s ?p 4.00 } } INSERT { tree:2 g:hasHeight 7 } WHERE { GRAPH ?g { ?s ?p 7.77 } }", guard="reject")
    assert report.validation.introduced == () == report.validation.resolved


def test_a_guard_that_reports_keeps_the_change_and_the_report_up_to_date(garden):
    garden.build()
    report = garden.update(PREFIXES + "INSERT DATA { tree:9 a g:Tree ; g:hasHeight 1 }", guard="report").validation
    assert {(one.shape_name, one.message()) for one in report.introduced} == {
        ("shape:height", "1 m is no tree"), ("shape:tree / g:isTendedBy", "fewer values than 1"),
    }  # fmt: skip
    assert said(garden) == whole(garden) and len(said(garden)) == 3
    assert garden.status().validation.is_current and all(step.stage != "validate" for step in garden.build().steps)
    report = garden.update(PREFIXES + "DELETE WHERE { tree:9 ?p ?o }", guard="reject").validation
    assert len(report.resolved) == 2 and report.introduced == ()
    assert said(garden) == whole(garden) and len(said(garden)) == 1


def test_the_guard_of_the_project_looks_at_every_way_to_write(garden):
    with configure(garden, 'guard = "reject"') as guarded:
        guarded.build()
        small = b"@prefix g: <https://example.org/garden/ontology/> . <urn:t> a g:Tree ; g:hasHeight 1 ; g:isTendedBy <urn:g> ."
        for write_it in (
            lambda: guarded.load(small, format="ttl"),
            lambda: guarded.put_graph("urn:mine", [(small, "ttl")]),
            lambda: guarded.patch_graph("urn:mine", PREFIXES + "INSERT DATA { <urn:t> a g:Tree ; g:hasHeight 1 ; g:isTendedBy <urn:g> }"),
        ):
            with pytest.raises(KgError) as error:
                write_it()
            assert error.value.code == "H302"
        assert guarded.update(PREFIXES + "INSERT DATA { tree:9 a g:Tree }", guard="off").validation is None


def test_a_graph_in_memory_is_guarded_by_shapes_that_are_given():
    shapes = b"@prefix sh: <http://www.w3.org/ns/shacl#> . <urn:s> sh:targetNode <urn:a> ; sh:property [ sh:path <urn:p> ; sh:minCount 1 ; sh:maxCount 1 ] ."
    with KnowledgeGraph.memory() as graph:
        graph.update("INSERT DATA { <urn:b> <urn:p> 1, 2 }", shapes=shapes)
        assert graph.update("INSERT DATA { <urn:a> <urn:p> 1 }", shapes=shapes).validation.resolved[0].message() == "fewer values than 1"
        with pytest.raises(KgError):
            graph.update("INSERT DATA { <urn:a> <urn:p> 2 }", shapes=shapes)
        assert len(list(graph.query("SELECT * { <urn:a> <urn:p> ?o }"))) == 1
        assert not journal.is_sound(graph.store.connection)  # none is kept where nothing was validated as a whole


def test_a_report_is_paged_and_narrowed(garden):
    garden.update(PREFIXES + "INSERT DATA { " + " ".join(f"tree:{number} a g:Tree ; g:hasHeight {number % 9} ." for number in range(100, 140)) + " }")
    garden.build()
    report: StoredReport = stored_report(garden.project, garden.store)
    counts = {(one.shape, one.severity): one.results for one in report.counts()}
    assert counts[("shape:tree / g:isTendedBy", "Warning")] == 40
    pages = [report.page(offset, 7) for offset in range(0, 70, 7)]
    assert [str(one) for page in pages for one in page] == [str(one) for one in report.page()]
    assert {one.severity.value.rpartition("#")[2] for one in report.page(severity="Warning")} == {"Warning"}
    assert len(report.page(shape="shape:height")) == counts[("shape:height", "Violation")]
