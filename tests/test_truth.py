"""Comparing conclusions with the planted truth: what counts as right, wrong and missed, on a truth of two rows."""

import pytest

from benchmarks.truth.__main__ import report
from benchmarks.truth.compare import Truth, comparable, compare
from benchmarks.truth.kinds import read_kinds
from kg import KnowledgeGraph
from kg.errors import ProjectError

BASE = "https://example.org/garden/id/"


@pytest.fixture
def place(tmp_path):
    """A truth in which 1 to 3 are reserved, 1 holds 2 and 3 holds 1, and 1 → 3 is a near miss; and a folder for kinds."""
    truth = tmp_path / "truth"
    truth.mkdir()
    (truth / "reserved.csv").write_text("pattern,kind,first_id,last_id\nbeds,enterprise,1,3\n")
    (truth / "hold.csv").write_text("one,other,how\n1,2,well\n3,1,well\n3,2,badly\n")
    (truth / "miss.csv").write_text("one,other\n1,3\n")
    queries = tmp_path / "kinds"
    queries.mkdir()
    return Truth(truth, BASE), queries


def result_of(place, header: str, triples: str = "1 2, 2 3, 9 1"):
    truth, queries = place
    (queries / "hold.rq").write_text(f"#+ kind: holding\n{header}SELECT ?one ?other {{ ?one <urn:holds> ?other }}\n")
    with KnowledgeGraph.memory() as graph:
        pairs = [pair.split() for pair in triples.split(", ")]
        graph.update("INSERT DATA { " + " ".join(f"<{BASE}enterprise/{one}> <urn:holds> <{BASE}enterprise/{other}> ." for one, other in pairs) + " }")
        (kind,) = read_kinds(queries)
        return compare(graph, truth, kind)


PLANTED = "#+ planted: hold enterprise/one enterprise/other\n#+ only: how=well\n#+ decided: by definition\n"


def test_conclusions_about_others_than_the_reserved_do_not_count(place):
    result = result_of(place, PLANTED)
    assert result.right == {("enterprise/1", "enterprise/2")}
    assert result.wrong == {("enterprise/2", "enterprise/3")}
    assert result.missed == {("enterprise/3", "enterprise/1")}
    assert (result.precision, result.recall, result.is_exact) == (0.5, 0.5, False)


def test_a_near_miss_is_wrong_even_where_the_truth_is_listed_in_part(place):
    header = f"#+ near: miss enterprise/one enterprise/other\n#+ listed: in part\n{PLANTED}"
    assert result_of(place, header, "1 2, 2 3, 3 1").is_exact
    assert result_of(place, header, "1 3").wrong == {("enterprise/1", "enterprise/3")}


def test_unordered_columns_match_either_way(place):
    assert result_of(place, f"#+ unordered: 1 2\n{PLANTED}", "2 1, 1 3").is_exact


def test_members_are_compared_as_sets(place):
    header = "#+ planted: hold one enterprise/other\n#+ sets: one\n#+ about: 2\n#+ decided: by definition\n"
    result = result_of(place, header, "5 1, 5 2, 6 2")
    assert result.is_exact and len(result.planted) == 2


def test_the_table_names_what_is_wrong_and_never_rounds_up_to_one(place):
    text = report([result_of(place, PLANTED)], {"unheard"})
    assert "missed: enterprise/3  enterprise/1" in text
    assert "unheard" in text
    assert comparable("0.950") == comparable("0.95") and comparable("0032") == comparable("32")


def test_an_unknown_header_line_is_an_error_with_its_file(place):
    with pytest.raises(ProjectError, match="planed"):
        result_of(place, "#+ planed: x\n#+ decided: by definition\n")
