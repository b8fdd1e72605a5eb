"""What-if: what an update would change is told in full, and nothing of it remains; edits take their conclusions with them."""

import json
import subprocess
import sys

import pytest

from kg import KnowledgeGraph
from kg.errors import ProjectError, QueryError
from tests.small_project import change, write

G = "https://example.org/garden/ontology/"
TREE = "https://example.org/garden/id/tree/"
GARDENER = "https://example.org/garden/id/gardener/"
# A tall tree with a gardener.
PLANT = "INSERT DATA { GRAPH <urn:edits> { tree:9 g:hasHeight 25 ; g:isTendedBy gardener:8 } }"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = write(tmp_path_factory.mktemp("garden"))
    with KnowledgeGraph.open(folder) as graph:
        graph.build()
    return folder


@pytest.fixture
def garden(tmp_path):
    folder = write(tmp_path)
    with KnowledgeGraph.open(folder) as graph:
        graph.build()
    return folder


def climbers(graph) -> list[str]:
    rows = graph.query("SELECT ?g ?t { ?g g:climbs ?t } ORDER BY ?g ?t")
    return ["-".join(term.value.rsplit("/", 1)[1] for term in row) for row in rows]


def told(conclusions) -> set[str]:
    return {" ".join(str(part).rstrip(">").rsplit("/", 1)[-1].rsplit("#", 1)[-1] for part in (c.triple.subject, c.triple.predicate, c.triple.object))
            for c in conclusions}  # fmt: skip


def test_what_an_update_would_bring_is_told_by_rule_and_leaves_no_trace(built):
    with KnowledgeGraph.open(built) as graph:
        files = sorted((built / "store").iterdir())
        size = graph.status().triples
        found = graph.what_if(PLANT)
        assert told(found.added) == {"9 type TallTree", "8 climbs 9"} and found.removed == ()
        assert found.by_rule() == {"https://example.org/garden/rule/climbs": (1, 0), "https://example.org/garden/rule/tall": (1, 0)}
        assert (found.update.inserted, found.update.deleted) == (2, 0)
        assert graph.status().triples == size and climbers(graph) == ["7-1", "8-3"]
        assert sorted((built / "store").iterdir()) == files


def test_proofs_show_why_a_conclusion_would_come_and_why_one_holds_now(built):
    with KnowledgeGraph.open(built) as graph:
        found = graph.what_if(PLANT, proofs=True)
        text = found.text()
        assert "+ gardener:8 g:climbs tree:9   (<https://example.org/garden/rule/climbs>)" in text
        assert "urn:edits" in text and "25 m, more than 10 m" in text


def test_an_update_from_which_nothing_follows_says_so(built):
    with KnowledgeGraph.open(built) as graph:
        assert graph.what_if("INSERT DATA { tree:4 g:hasHeight 1 }").text().endswith("No conclusion would change.")


def test_a_conclusion_that_the_update_states_itself_neither_comes_nor_goes(built):
    with KnowledgeGraph.open(built) as graph:
        found = graph.what_if("INSERT DATA { tree:3 a g:TallTree . tree:2 a g:TallTree }")
        assert told(found.added) == {"7 climbs 2"} and found.removed == ()


def test_a_wrong_or_forbidden_update_fails_like_the_update_itself(built):
    with KnowledgeGraph.open(built) as graph:
        with pytest.raises(QueryError):
            graph.what_if("INSERT DATA { tree:9 g:hasHeight }")
        with pytest.raises(QueryError, match="Q501"):
            graph.what_if("DELETE WHERE { GRAPH <https://example.org/garden/graph/map/garden/tree> { ?s ?p ?o } }")
    with KnowledgeGraph.memory() as graph, pytest.raises(ProjectError):
        graph.what_if("INSERT DATA { <urn:a> <urn:b> 1 }")


def test_the_command_prints_a_table_or_json(built, tmp_path):
    request = tmp_path / "plant.ru"
    request.write_text(PLANT)
    command = [sys.executable, "-m", "kg", "whatif", str(request), "-p", str(built)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    assert "What follows: 2 conclusions would come, 0 would go." in said
    found = json.loads(subprocess.run([*command, "--format", "json", "--proofs"], capture_output=True, text=True, check=True, timeout=120).stdout)
    assert {entry["rule"].rsplit("/", 1)[1]: entry["added"] for entry in found["rules"]} == {"climbs": 1, "tall": 1}
    assert all(entry["proof"]["kind"] == "inferred" for entry in found["added"])


# ── Conclusions follow edits ─────────────────────────────────────────────────────────────────────────────────


def test_what_follows_from_an_update_is_in_the_same_version_and_goes_with_it(garden):
    with KnowledgeGraph.open(garden) as graph:
        report = graph.update(PLANT)
        assert report.followed == (2, 0) and graph.status().version == 2
        assert climbers(graph) == ["7-1", "8-3", "8-9"]
        found = graph.what_if("DELETE WHERE { GRAPH <urn:edits> { tree:9 g:isTendedBy ?who } }", proofs=True)
        assert told(found.removed) == {"8 climbs 9"} and "− gardener:8 g:climbs tree:9" in found.text() and found.removed[0].proof is not None
        assert graph.update("DELETE WHERE { GRAPH <urn:edits> { tree:9 ?p ?o } }").followed == (0, 2)
        assert climbers(graph) == ["7-1", "8-3"]
        assert not graph.build().is_changed


def test_a_project_can_leave_conclusions_to_its_builds(garden):
    change(garden, "kg.toml", "[prefixes]", "[reasoning]\nfollow = false\n\n[prefixes]")
    with KnowledgeGraph.open(garden) as graph:
        assert graph.update(PLANT).followed is None
        assert climbers(graph) == ["7-1", "8-3"]
        assert told(graph.what_if("INSERT DATA { tree:4 g:hasHeight 11 }").added) == {"4 type TallTree"}  # not what the next build brings anyway
        graph.build()
        assert climbers(graph) == ["7-1", "8-3", "8-9"]


def test_rules_edited_since_the_last_build_wait_for_the_next(garden):
    change(garden, "rules/garden/tall.srl", "?height > ?least", "?height < ?least")
    with KnowledgeGraph.open(garden) as graph:
        assert graph.update(PLANT).followed is None
        assert climbers(graph) == ["7-1", "8-3"]
        graph.build()
        assert climbers(graph) == ["7-2"]
