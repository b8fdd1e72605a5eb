"""Files of inserts, updates and deletes applied to tables: in the order of their times, each all or nothing, once."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg import KnowledgeGraph
from kg.errors import MappingError, ProjectError
from kg.mapping import source_of_url
from kg.mapping.changes import keep, load_operations, with_changes
from kg.mapping.model import LogicalSource
from kg.mapping.relations import RelationReader
from kg.mapping.sources import Sources
from kg.store import Store
from tests.small_project import FILES

ROOT = Path(__file__).parent.parent
CHANGES = """
[[change]]
files = "add*.csv"
table = "tree"
operation = "insert"
time = "at"
columns = { height = "(height::DECIMAL(9,2) / 100)::DECIMAL(9,2)", gardener = "who" }

[[change]]
files = "grow*.csv"
table = "tree"
operation = "update"
time = "at"
key = { id = "tree" }
columns = { height = "h" }

[[change]]
files = "put*.csv"
table = "tree"
operation = "upsert"
time = "at"
key = ["id"]

[[change]]
files = "leave*.csv"
table = "tree"
operation = "delete"
time = "at"
key = { gardener = "who" }
"""
HEADS = {"add": "id,name,height,who,at", "grow": "tree,h,at", "put": "id,name,at", "leave": "who,at"}


@pytest.fixture
def garden(tmp_path):
    for name, text in (FILES | {"mappings/garden/changes.toml": CHANGES}).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def batch(folder: Path, name: str, *rows: str) -> Path:
    path = folder / f"{name}.csv"
    path.write_text("\n".join([HEADS[name.rstrip("0123456789")], *rows]) + "\n")
    return path


def heights(graph: KnowledgeGraph) -> list[tuple[str, str]]:
    return sorted((row[0].value.rpartition("/")[2], row[1].value) for row in graph.query("SELECT ?t ?h { ?t g:hasHeight ?h }"))


# ── One after another ────────────────────────────────────────────────────────────────────────────────────────


def test_inserts_updates_upserts_and_deletes_arrive_with_their_conclusions(garden):
    with KnowledgeGraph.open(garden) as graph:
        reports = list(graph.apply([batch(garden, "add1", "4,fig,1100,9,10", "5,ash,200,9,10"), batch(garden, "grow1", "2,10.50,20", "5,11.00,20")]))
        assert [report.build.version for report in reports] == [2, 3] and reports[0].quads[0] == 10
        assert heights(graph) == [("1", "12.50"), ("2", "10.50"), ("3", "30.00"), ("4", "11.00"), ("5", "11.00")]
        assert ("2" in [row[0].value.rpartition("/")[2] for row in graph.query("SELECT ?t { ?t a g:TallTree }")])
        list(graph.apply([batch(garden, "leave1", "9,30"), batch(garden, "put1", "3,larch,40", "6,elm,40")]))
        assert heights(graph) == [("1", "12.50"), ("2", "10.50")]  # the upsert gave 3 and 6 no height
        names = sorted(row[0].value for row in graph.query("SELECT ?n { ?t a g:Tree ; rdfs:label ?n }"))
        assert names == ["elm", "larch", "oak", "pear"]
        assert not graph.build().is_changed  # the tables stay as they are


def test_a_change_acts_on_what_was_there_at_its_time_whenever_its_file_comes(garden):
    with KnowledgeGraph.open(garden) as graph:
        list(graph.apply([batch(garden, "add1", "4,fig,1100,9,10", "5,ash,200,9,50"), batch(garden, "grow1", "4,7.00,30"), batch(garden, "grow2", "4,6.00,20"), batch(garden, "leave1", "9,40")]))
        assert heights(graph) == [("1", "12.50"), ("2", "4.00"), ("3", "30.00"), ("5", "2.00")]
        list(graph.apply([batch(garden, "add2", "8,yew,700,7,15")]))
        assert ("8", "7.00") in heights(graph)


def test_a_wrong_file_changes_nothing_and_the_rest_goes_on_from_there(garden):
    files = [batch(garden, "add1", "4,fig,1100,9,10"), batch(garden, "grow1", "4,1.00,20", "5,2.00,soon"), batch(garden, "leave1", "8,30")]
    with KnowledgeGraph.open(garden) as graph:
        done = []
        with pytest.raises(MappingError) as caught:
            for report in graph.apply(files):
                done.append(report.file.name)
        assert done == ["add1.csv"] and ("4", "11.00") in heights(graph)
        assert (caught.value.code, caught.value.location.file, caught.value.location.line) == ("M214", "grow1.csv", 3) and "time (at)" in caught.value.message
        batch(garden, "grow1", "4,1.00,20", "5,2.00,20")
        assert [report.build is None for report in graph.apply(files)] == [True, False, False]
        assert heights(graph) == [("1", "12.50"), ("2", "4.00"), ("4", "1.00")]


@pytest.mark.parametrize(
    ("name", "rows", "says", "line"),
    [("grow1", [",1.00,20"], "a change has no key (tree)", 2), ("add1", ["4,fig,1100,9,10", "5,ash"], "does not fit the file's header", 3), ("add1", ["4,fig,tall,9,10"], "cannot be applied", None)],
)
def test_a_row_that_cannot_be_applied_is_named(garden, name, rows, says, line):
    with KnowledgeGraph.open(garden) as graph:
        graph.build()
        with pytest.raises(MappingError) as caught:
            list(graph.apply([batch(garden, name, *rows)]))
        assert caught.value.code == "M214" and says in caught.value.message and (line is None or caught.value.location.line == line)
        assert graph.status().version == 1


def test_files_that_nothing_is_said_of_and_columns_that_are_not_there_are_refused_before_anything_is_applied(garden):
    with KnowledgeGraph.open(garden) as graph:
        graph.build()
        with pytest.raises(MappingError, match="no operation is declared for other"):
            (garden / "other.csv").write_text("a\n1\n")
            list(graph.apply([batch(garden, "leave1", "7,30"), garden / "other.csv"]))
        assert graph.status().version == 1
        (garden / "mappings/garden/changes.toml").write_text(CHANGES.replace('"h" }', '"hight" }'))
        with pytest.raises(MappingError) as caught:
            list(graph.apply([batch(garden, "grow1", "2,10.50,20")]))
        assert "the file's columns are tree, h, at" in caught.value.help and caught.value.location.line == 9


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [('operation = "insert"', 'operation = "inset"', "there is no operation inset"), ("[[change]]", "[[changes]]", "something other than"), ('files = "add*.csv"', "", "has no files"),
     ('key = ["id"]', "", "needs a key"), ("gardener =", "gardner =", "has no column gardner"), ("time =", "tine =", "has no key tine")],
)  # fmt: skip
def test_a_declaration_that_is_wrong_is_refused_with_its_line(garden, old, new, says):
    (garden / "mappings/garden/changes.toml").write_text(CHANGES.replace(old, new))
    with KnowledgeGraph.open(garden) as graph, pytest.raises(MappingError, match=says) as caught:
        list(graph.apply([batch(garden, "add1", "4,fig,1100,9,10"), batch(garden, "leave1", "7,30")]))
    assert caught.value.location.file.endswith("changes.toml") and caught.value.help


def test_a_new_snapshot_takes_the_place_of_the_changes(garden):
    with KnowledgeGraph.open(garden) as graph:
        list(graph.apply([batch(garden, "leave1", "7,30")]))
        assert heights(graph) == [("3", "30.00")]
        graph.forget_changes()
        assert len(heights(graph)) == 3 and not list((garden / "store/changes").iterdir())
        assert [report.build is None for report in graph.apply([garden / "leave1.csv"])] == [False]


def test_a_proof_finds_the_row_that_a_file_of_changes_made(garden):
    with KnowledgeGraph.open(garden) as graph:
        list(graph.apply([batch(garden, "add1", "4,fig,1100,9,10")]))
        assert "fig" in str(graph.explain("tree:4", "a", "g:TallTree").as_dict())


def test_a_project_without_declared_changes_says_what_is_missing(garden):
    (garden / "mappings/garden/changes.toml").unlink()
    with KnowledgeGraph.open(garden) as graph, pytest.raises(ProjectError, match="no domain declares changes"):
        list(graph.apply([batch(garden, "leave1", "7,30")]))


def test_the_command_tells_each_file_and_goes_on_where_it_stopped(garden):
    def kg(*arguments: str, code: int = 0) -> str:
        done = subprocess.run([sys.executable, "-m", "kg", "apply", *arguments], capture_output=True, text=True, cwd=garden, env=os.environ | {"PYTHONPATH": str(ROOT)})
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    (garden / "stream").mkdir()
    batch(garden / "stream", "add1", "4,fig,1100,9,10")
    batch(garden / "stream", "grow1", "4,1.00,never")
    said = kg("stream", code=2)
    assert "add1.csv: version 2, 6 triples new, 0 gone" in said and "grow1.csv:2" in said and "1 file applied before" in said
    batch(garden / "stream", "grow1", "4,1.00,20")
    said = kg("stream")
    assert "add1.csv: applied before" in said and "grow1.csv: version 3, 1 triples new" in said
    assert "All changes are forgotten" in kg("--forget")


# ── Against a plain simulation ───────────────────────────────────────────────────────────────────────────────

ids, who, times = st.sampled_from("1234"), st.sampled_from("78"), st.integers(0, 5)
events = st.one_of(
    st.tuples(st.just("add"), ids, st.sampled_from("abc"), st.sampled_from("12"), who, times), st.tuples(st.just("grow"), ids, st.sampled_from(["3", "4", ""]), times),
    st.tuples(st.just("put"), ids, st.sampled_from("xyz"), times), st.tuples(st.just("leave"), who, times),
)  # fmt: skip


def simulated(start: list[list], batches: list[list[tuple]]) -> list[tuple]:
    rows = [list(row) for row in start]
    ordered = sorted((event[-1], number, line, event) for number, batch in enumerate(batches) for line, event in enumerate(batch))
    for _, _, _, event in ordered:
        if event[0] == "add":
            rows.append([event[1], event[2], f"{int(event[3]) / 100:.6f}".rstrip("0"), event[4]])
        elif event[0] == "grow":
            for row in rows:
                row[2] = (event[2] or None) if row[0] == event[1] else row[2]
        elif event[0] == "put":
            rows = [row for row in rows if row[0] != event[1]] + [[event[1], event[2], None, None]]
        else:
            rows = [row for row in rows if row[3] != event[1]]
    return sorted((tuple(row) for row in rows), key=str)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(list(HEADS)), st.lists(events, max_size=6)), max_size=4))
def test_a_table_after_its_changes_is_what_applying_them_one_by_one_makes(drawn):
    batches = [[event for event in batch if event[0] == kind] for kind, batch in drawn]
    start = [["1", "oak", "12", "7"], ["2", "fir", "4", "8"]]
    with TemporaryDirectory() as name, Store.memory() as store:
        folder = Path(name)
        (folder / "tree.csv").write_text("id,name,height,gardener\n" + "".join(",".join(row) + "\n" for row in start))
        (folder / "changes.toml").write_text(CHANGES)
        kept = [keep(batch(folder, f"{kind}{number}", *(",".join(map(str, event[1:])) for event in events)), folder / "kept") for number, ((kind, _), events) in enumerate(zip(drawn, batches, strict=True))]
        sources = with_changes(Sources(source_of_url(folder)), load_operations(folder / "changes.toml"), kept, folder / "changes.toml")
        reader = RelationReader(store.connection, sources)
        relation = reader.open(LogicalSource(table="tree"))
        found = store.connection.execute(f"SELECT id, name, height, gardener FROM {relation.sql}").fetchall()
        reader.close()
    found = [(row[0], row[1], row[2] and (f"{float(row[2]):.6f}".rstrip("0") if "." in row[2] else row[2]), row[3]) for row in found]
    assert sorted(found, key=str) == simulated(start, batches)


# ── Real input ───────────────────────────────────────────────────────────────────────────────────────────────


def test_finbench_is_followed_through_its_stream_of_changes(tmp_path, monkeypatch):
    data = Path(os.environ.get("KG_DATA", ROOT.parent / "shared" / "data")) / "finbench"
    if not (data / "incremental").is_dir():
        pytest.skip(f"no stream of changes in {data}")
    monkeypatch.setenv("KG_DATA", str(data.parent))
    shutil.copytree(ROOT / "examples" / "finbench", tmp_path / "finbench", ignore=shutil.ignore_patterns("store"))

    def rows(file: str) -> list[dict[str, str]]:
        with (data / file).open(encoding="utf-8") as text:
            return list(csv.DictReader(text, delimiter="|"))

    deleted = {row["accountId"] for row in rows("incremental/DeleteAccountWrite17.csv")}
    snapshot = rows("snapshot/Account.csv")
    assert deleted & {row["accountId"] for row in snapshot}
    invested = rows("incremental/AddCompanyInvestCompanyWrite9.csv")
    with KnowledgeGraph.open(tmp_path / "finbench") as graph:
        list(graph.apply([data / "incremental" / f"{name}.csv" for name in ("AddCompanyInvestCompanyWrite9", "DeleteAccountWrite17")]))
        count = lambda pattern: int(next(iter(graph.query(f"PREFIX fin: <https://example.org/finbench/ontology/> SELECT (COUNT(DISTINCT ?x) AS ?n) {{ {pattern} }}")))[0].value)  # noqa: E731
        assert count("?x a fin:Account") == len({row["accountId"] for row in snapshot} - deleted)
        before = {(row["investorId"], row["companyId"], row["createTime"]) for row in rows("snapshot/CompanyInvestCompany.csv")}
        assert count("?x a fin:Investment . FILTER(CONTAINS(STR(?x), '/company-'))") == len(before) + len({(row["investorId"], row["companyId"], row["createTime"]) for row in invested})
        left = [row for row in rows("snapshot/AccountTransferAccount.csv") if not {row["fromId"], row["toId"]} & deleted]
        assert count("[] fin:hasPayer ?x") == len({row["fromId"] for row in left})
