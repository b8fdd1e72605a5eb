"""Versions: atomic switching, readers that keep their version, the lock, and builds that are killed."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from pyoxigraph import NamedNode

from kg.errors import BuildInProgress, StoreError
from kg.store.versions import Reader, Versions


def put(store, number: int) -> None:
    """Make the graph hold `number` triples, all of this number."""
    s, p, o = store.encode([NamedNode(f"urn:{name}:{number}") for name in "spo"])
    g = store.graph_id("urn:g")
    with store.replacing("test") as target:
        store.connection.execute(f"INSERT INTO {target.table} (g, s, p, o) SELECT {g}, {s}, {p} + range * 0, {o} FROM range(1)")


def content(store) -> list[str]:
    return [store.decode([row[0]])[row[0]].value for row in store.cursor().execute("SELECT s FROM triples").fetchall()]


def test_a_version_is_seen_only_once_it_is_published(tmp_path):
    versions = Versions(tmp_path)
    with pytest.raises(StoreError, match="kg build"):
        versions.read()
    with versions.write() as draft:
        put(draft.store, 1)
        assert versions.current() is None
        draft.publish()
    _, reader = versions.read()
    with versions.write() as draft:
        put(draft.store, 2)
        assert content(versions.read()[1]) == ["urn:s:1"]
        draft.publish()
    assert content(reader) == ["urn:s:1"]
    assert content(versions.read()[1]) == ["urn:s:2"]


def test_a_draft_that_is_not_published_is_dropped(tmp_path):
    versions = Versions(tmp_path)
    with pytest.raises(RuntimeError), versions.write() as draft:
        put(draft.store, 1)
        raise RuntimeError
    assert versions.current() is None
    assert [path.name for path in tmp_path.iterdir()] == ["LOCK"]


def test_a_reader_moves_on_to_the_new_version_while_an_old_query_ends(tmp_path):
    versions = Versions(tmp_path, keep=1)
    reader = Reader(versions)
    for number in (1, 2):
        with versions.write() as draft:
            put(draft.store, number)
            draft.publish()
        if number == 1:
            running = reader.store().cursor().execute("SELECT range FROM range(100000)")
            assert content(reader.store()) == ["urn:s:1"]
    assert content(reader.store()) == ["urn:s:2"] and reader.version().number == 2
    assert len(running.fetchall()) == 100000


def test_only_the_last_versions_are_kept(tmp_path):
    versions = Versions(tmp_path, keep=2)
    for number in range(4):
        with versions.write() as draft:
            put(draft.store, number)
            draft.publish()
    assert [version.number for version in versions.all()] == [3, 4]


def test_two_builds_at_once_are_refused_with_the_other_one_named(tmp_path):
    with Versions(tmp_path).write(), pytest.raises(BuildInProgress, match=f"process {os.getpid()}"), Versions(tmp_path).write():
        pass


BUILDER = """
    import sys
    from kg.store.versions import Versions
    sys.path.insert(0, "tests")
    from test_versions import put
    number = 2
    while True:
        with Versions(sys.argv[1]).write() as draft:
            put(draft.store, number)
            draft.publish()
        print(number, flush=True)
        number += 1
"""


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.05, 0.11, 0.17])
def test_a_build_killed_at_any_moment_leaves_a_good_graph(tmp_path, delay):
    versions = Versions(tmp_path)
    with versions.write() as draft:
        put(draft.store, 1)
        draft.publish()
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(BUILDER), str(tmp_path)], stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": "."}
    )
    process.stdout.readline()  # the first build of the other process is done, the next has begun
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.wait()
    version, store = versions.read()
    assert content(store) == [f"urn:s:{version.number}"]
    with versions.write() as draft:
        put(draft.store, version.number + 1)
        draft.publish()
    assert not list(tmp_path.glob("*.building*"))
    assert content(versions.read()[1]) == [f"urn:s:{version.number + 1}"]
