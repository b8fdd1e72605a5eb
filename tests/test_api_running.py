"""/queries/running: what runs is listed and can be stopped; a client that hangs up stops its query; one thread stays free."""

import json
import socket
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest

from api import create_app, running
from kg import KnowledgeGraph
from tests.test_api_served import project, served

# 27 thousand million combinations: longer than any test waits
ENDLESS = "SELECT (SUM(?a * ?b + ?c) AS ?n) { ?r <urn:weighs> ?a . ?s <urn:weighs> ?b . ?t <urn:weighs> ?c FILTER(?a * ?b > ?c) }"


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    with KnowledgeGraph.open(project(tmp_path_factory.mktemp("project"), 3000)) as graph:
        yield graph


@pytest.fixture(scope="module")
def address(graph):
    with served(graph, writable=True) as address:
        yield address


def call(address, path, method="GET", data=None, **headers):
    """Status and JSON body."""
    request = urllib.request.Request(address + path, method=method, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def ask(address, query=ENDLESS):
    return call(address, "/sparql?" + urlencode({"query": query}))


def listed(address):
    return call(address, "/queries/running")[1]["queries"]


def wait_until(is_so, seconds=20):
    end = time.monotonic() + seconds
    while not (found := is_so()):
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.05)
    return found


def test_a_running_query_is_listed_and_stopped_by_delete(address):
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(ask, address)
        (running_query,) = wait_until(lambda: listed(address))
        assert (running_query["text"], running_query["client"]) == (ENDLESS, "127.0.0.1") and running_query["seconds"] >= 0
        assert call(address, f"/queries/running/{running_query['id']}", "DELETE")[0] == 200
        status, problem = asked.result(20)
    assert (status, problem["code"]) == (409, "W409")
    assert listed(address) == []


def test_an_update_that_is_stopped_changes_nothing(graph, address):
    text = ENDLESS.replace("SELECT (SUM(?a * ?b + ?c) AS ?n)", "INSERT { ?r <urn:endless> ?c } WHERE")
    version = graph.status().version
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(call, address, "/sparql", "POST", urlencode({"update": text}).encode())
        (running_update,) = wait_until(lambda: listed(address))
        call(address, f"/queries/running/{running_update['id']}", "DELETE")
        assert asked.result(20)[0] == 409
    assert graph.status().version == version


def test_a_client_that_hangs_up_ends_its_query(address):
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"GET /sparql?{urlencode({'query': ENDLESS})} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        wait_until(lambda: listed(address))
    wait_until(lambda: not listed(address))


def test_what_has_been_answered_is_listed_no_more(address):
    assert ask(address, "SELECT * { ?s ?p ?o }")[0] == 200
    assert ask(address, "SELECT nonsense")[0] == 400
    wait_until(lambda: not listed(address), 2)


def test_what_took_long_is_logged_as_a_line_of_json(tmp_path, caplog):
    text = "SELECT ?s\n{ ?s ?p 7 } # 慢"
    for slow_log in ("", 'slow_log = "slow.jsonl"'):
        (tmp_path / "kg.toml").write_text(f'[project]\nname = "x"\nbase = "urn:x/"\ndomains = []\n[server]\nslow = 0\n{slow_log}\n', encoding="utf-8")
        with KnowledgeGraph.open(tmp_path) as graph:
            graph.load(b"<urn:s> <urn:p> 7 .", format="ttl")
            create_app(graph).test_client().get("/sparql", query_string={"query": text})
    logged = [record.getMessage() for record in caplog.records if record.name == "kg.server"]
    assert [json.loads(line.removeprefix("slow query: "))["text"] for line in logged] == [text]
    (line,) = (tmp_path / "slow.jsonl").read_text(encoding="utf-8").splitlines()
    entry = json.loads(line)
    assert (entry["text"], entry["client"], entry["stopped"]) == (text, "127.0.0.1", None) and entry["seconds"] >= 0 and "T" in entry["time"]


def test_the_last_thread_is_never_held_for_long(graph, monkeypatch):
    monkeypatch.setattr(running, "_ON_THE_LAST_THREAD", 0.5)
    with served(graph, writable=True, threads=2) as address, ThreadPoolExecutor() as pool:
        first = pool.submit(ask, address)
        (older,) = wait_until(lambda: listed(address))
        status, problem = ask(address)
        assert (status, problem["code"]) == (503, "W503")
        assert [each["id"] for each in listed(address)] == [older["id"]] and not first.done()
        call(address, f"/queries/running/{older['id']}", "DELETE")
        assert first.result(20)[0] == 409


def test_a_client_sees_and_stops_its_own_queries_and_a_local_one_all(graph):
    app = create_app(graph)

    def client(address):
        made = app.test_client()
        made.environ_base["REMOTE_ADDR"] = address
        return made

    def seen_by(address):
        return client(address).get("/queries/running").get_json()["queries"]

    with ThreadPoolExecutor() as pool:
        asked = pool.submit(client("192.0.2.1").get, "/sparql", query_string={"query": ENDLESS})
        (seen,) = wait_until(lambda: seen_by("192.0.2.1"))
        assert seen_by("192.0.2.2") == [] and seen_by("127.0.0.1")[0]["id"] == seen["id"]
        assert client("192.0.2.2").delete(f"/queries/running/{seen['id']}").status_code == 404
        foreign = client("127.0.0.1").delete(f"/queries/running/{seen['id']}", headers={"Origin": "https://elsewhere.example"})
        assert foreign.status_code == 403 and not asked.done()
        assert client("127.0.0.1").delete(f"/queries/running/{seen['id']}").status_code == 200
        assert asked.result(20).status_code == 409
