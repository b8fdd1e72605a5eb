"""SERVICE: bound joins, variable endpoints, terms that the store lacks; refusals, failures and SILENT; once over a real server."""

import json
import socket
import threading
import time
from contextlib import closing, contextmanager

import pytest
from pyoxigraph import Literal, NamedNode

from kg import KnowledgeGraph
from kg.errors import LimitExceeded, ProjectError, QueryError, QueryTimeout, RemoteError
from kg.project import Project
from kg.sparql.evaluate import evaluate
from kg.sparql.results import write_solutions
from kg.sparql.services import Services
from kg.sparql.update import update
from kg.store import Store
from kg.store.documents import load
from tests.test_api_served import project, served

ENDPOINT, OTHER = "http://remote.example/sparql", "http://other.example/sparql"


def store_of(turtle: str) -> Store:
    store = Store.memory()
    load(store, turtle.encode(), format="ttl")
    return store


class Remote:
    """Stores behind addresses, and the queries that were sent to them."""

    def __init__(self, **turtle: str) -> None:
        self.stores = {{"endpoint": ENDPOINT, "other": OTHER}[name]: store_of(text) for name, text in turtle.items()}
        self.sent: list[str] = []
        self.services = Services(tuple(self.stores), transport=self.answer)

    def answer(self, endpoint: str, query: str, seconds: float) -> bytes:
        self.sent.append(query)
        solutions = evaluate(self.stores[endpoint], query)
        return "".join(write_solutions(solutions.variables, solutions, "json")).encode()


def rows(store: Store, query: str, services: Services, **options) -> list[tuple[str | None, ...]]:
    found = [tuple(None if term is None else str(term) for term in row) for row in evaluate(store, query, services=services, **options)]
    return sorted(found, key=repr)


def answering(body: bytes) -> Services:
    return Services((ENDPOINT,), transport=lambda endpoint, query, seconds: body)


def failing(error: Exception) -> Services:
    def transport(endpoint: str, query: str, seconds: float) -> bytes:
        raise error

    return Services((ENDPOINT,), transport=transport)


# ── Answers ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_terms_that_the_store_lacks_are_compared_filtered_and_shown():
    remote = Remote(endpoint='<urn:a> <urn:says> "hello"@en, 1.5e0, "2024-01-01T00:00:00.123456Z"^^<http://www.w3.org/2001/XMLSchema#dateTime>, <urn:far> .')
    query = f"SELECT ?o (STR(?o) AS ?text) (DATATYPE(?o) AS ?kind) {{ ?s <urn:p> 1 SERVICE <{ENDPOINT}> {{ ?s <urn:says> ?o }} FILTER(!isIRI(?o)) }}"
    found = rows(store_of("<urn:a> <urn:p> 1 ."), query, remote.services)
    assert {row[1] for row in found} == {'"2024-01-01T00:00:00.123456Z"', '"hello"', '"1.5e0"'}
    xsd = "http://www.w3.org/2001/XMLSchema#"
    assert {row[2] for row in found} == {f"<{xsd}dateTime>", "<http://www.w3.org/1999/02/22-rdf-syntax-ns#langString>", f"<{xsd}double>"}


def test_remote_numbers_are_summed_and_sorted_with_those_of_the_store():
    remote = Remote(endpoint="<urn:a> <urn:n> 3, 2.5, 1.0e1 .")
    query = f"SELECT (SUM(?n) AS ?sum) (MAX(?n) AS ?most) {{ {{ SERVICE <{ENDPOINT}> {{ ?s <urn:n> ?n }} }} UNION {{ ?s <urn:n> ?n }} }}"
    ((total, most),) = evaluate(store_of("<urn:a> <urn:n> 4 ."), query, services=remote.services)
    assert (float(total.value), float(most.value)) == (19.5, 10.0)


def test_two_endpoints_that_share_a_term_unknown_here_are_joined():
    remote = Remote(endpoint='<urn:a> <urn:code> "x-1" .', other='<urn:b> <urn:code> "x-1", "x-2" .')
    query = f"SELECT ?a ?b {{ SERVICE <{ENDPOINT}> {{ ?a <urn:code> ?c }} SERVICE <{OTHER}> {{ ?b <urn:code> ?c }} }}"
    assert rows(Store.memory(), query, remote.services) == [("<urn:a>", "<urn:b>")]
    assert 'VALUES (?c) { ("x-1") }' in remote.sent[1]


def test_blank_nodes_of_an_answer_are_nobody_elses():
    remote = Remote(endpoint="_:x <urn:p> 1 . _:x <urn:q> 2 . _:y <urn:p> 3 .")
    query = f"SELECT ?n {{ SERVICE <{ENDPOINT}> {{ ?n <urn:p> ?v }} }}"
    first, second = (rows(Store.memory(), query, remote.services) for _ in range(2))
    assert len(set(first)) == 2 and not set(first) & set(second)
    local = store_of("_:x <urn:p> 1 .")
    assert rows(local, f"SELECT ?n {{ ?n <urn:p> 1 SERVICE <{ENDPOINT}> {{ ?n <urn:p> ?v }} }}", remote.services) == []


def test_a_group_without_variables_counts_its_solutions():
    remote = Remote(endpoint="<urn:a> <urn:p> 1 .")
    store = store_of("<urn:x> <urn:y> <urn:z> .")
    assert rows(store, f"SELECT ?s {{ ?s ?p ?o SERVICE <{ENDPOINT}> {{ <urn:a> <urn:p> 1 }} }}", remote.services) == [("<urn:x>",)]
    assert rows(store, f"SELECT ?s {{ ?s ?p ?o SERVICE <{ENDPOINT}> {{ <urn:a> <urn:p> 2 }} }}", remote.services) == []


def test_prefixes_and_base_travel_with_the_group():
    remote = Remote(endpoint="<http://x.example/a> <http://x.example/p> 1 .")
    query = f"BASE <http://x.example/> PREFIX x: <http://x.example/> SELECT ?o {{ SERVICE <{ENDPOINT}> {{ <a> x:p ?o }} }}"
    assert len(rows(Store.memory(), query, remote.services, prefixes={"unused": "urn:u"})) == 1
    assert "unused" not in remote.sent[0]


def test_a_parameter_of_the_query_holds_inside_the_group_too():
    remote = Remote(endpoint="<urn:a> <urn:p> 1 . <urn:b> <urn:p> 2 .")
    query = f"SELECT ?s ?o {{ SERVICE <{ENDPOINT}> {{ ?s <urn:p> ?o }} }}"
    found = rows(Store.memory(), query, remote.services, bindings={"s": NamedNode("urn:b")})
    assert found == [("<urn:b>", '"2"^^<http://www.w3.org/2001/XMLSchema#integer>')]


# ── Bound joins ──────────────────────────────────────────────────────────────────────────────────────────────


def test_few_solutions_are_sent_along_in_batches():
    everything = "".join(f"<urn:i{n}> <urn:p> {n} . " for n in range(1000))
    remote = Remote(endpoint=everything)
    store = store_of("".join(f"<urn:i{n}> <urn:mine> true . " for n in range(450)))
    query = f"SELECT ?s ?n {{ SERVICE <{ENDPOINT}> {{ ?s <urn:p> ?n }} ?s <urn:mine> true }}"
    assert len(rows(store, query, remote.services)) == 450
    assert len(remote.sent) == 3 and all("VALUES (?s)" in sent for sent in remote.sent)


def test_many_solutions_are_not_sent_along():
    remote = Remote(endpoint="<urn:i7> <urn:p> 7 .")
    store = store_of("".join(f"<urn:i{n}> <urn:mine> true . " for n in range(2500)))
    assert len(rows(store, f"SELECT * {{ ?s <urn:mine> true SERVICE <{ENDPOINT}> {{ ?s <urn:p> ?n }} }}", remote.services)) == 1
    assert len(remote.sent) == 1 and "VALUES" not in remote.sent[0]


def test_where_nothing_is_left_to_join_nobody_is_asked():
    remote = Remote(endpoint="<urn:a> <urn:p> 1 .")
    store = store_of("<urn:a> <urn:mine> 1 .")
    assert rows(store, f"SELECT * {{ {{ ?s <urn:mine> ?m FILTER(?m > 5) }} SERVICE <{ENDPOINT}> {{ ?s <urn:p> ?n }} }}", remote.services) == []
    assert remote.sent == []


def test_a_variable_that_is_open_in_some_solutions_doubles_none():
    remote = Remote(endpoint="<urn:a> <urn:p> 1 . <urn:b> <urn:p> 2 .")
    store = store_of("<urn:a> <urn:mine> 1 . <urn:b> <urn:mine> 2 . <urn:a> <urn:n> 1 .")
    query = f"SELECT ?s ?n {{ ?s <urn:mine> ?m OPTIONAL {{ ?s <urn:n> ?n }} SERVICE <{ENDPOINT}> {{ ?s <urn:p> ?n }} }}"
    assert [row[0] for row in rows(store, query, remote.services)] == ["<urn:a>", "<urn:b>"]
    assert "VALUES (?s)" in remote.sent[0]


def test_each_endpoint_that_a_variable_names_is_asked():
    remote = Remote(endpoint="<urn:a> <urn:p> 1 .", other="<urn:a> <urn:p> 2 .")
    store = store_of(f"<urn:x> <urn:at> <{ENDPOINT}> . <urn:y> <urn:at> <{OTHER}> . <urn:x> <urn:of> <urn:a> . <urn:y> <urn:of> <urn:none> .")
    query = "SELECT ?x ?n { ?x <urn:at> ?where ; <urn:of> ?s SERVICE ?where { ?s <urn:p> ?n } }"
    assert rows(store, query, remote.services) == [("<urn:x>", '"1"^^<http://www.w3.org/2001/XMLSchema#integer>')]
    assert len(remote.sent) == 2


# ── Refusals and failures ────────────────────────────────────────────────────────────────────────────────────


def test_an_endpoint_off_the_list_is_refused_with_the_remedy_and_the_place():
    with pytest.raises(QueryError) as caught:
        evaluate(Store.memory(), "SELECT * {\n  SERVICE <http://127.0.0.1:22/> { ?s ?p ?o } }")
    assert caught.value.code == "Q601" and '[federation] allow = ["http://127.0.0.1:22/"]' in caught.value.help
    assert caught.value.location.line == 2


def test_an_endpoint_variable_without_a_value_is_refused():
    with pytest.raises(QueryError) as caught:
        evaluate(Store.memory(), "SELECT * { SERVICE ?where { ?s ?p ?o } }")
    assert caught.value.code == "Q602"


@pytest.mark.parametrize(
    "services",
    [Services(), failing(RemoteError("N101", "it cannot be reached")), failing(RemoteError("N102", "too slow")), answering(b"<html>")],
    ids=["refused", "unreachable", "slow", "malformed"],
)
def test_silent_makes_of_every_failure_one_solution_that_binds_nothing(services):
    store = store_of("<urn:a> <urn:p> 1 .")
    query = f"SELECT ?s ?n {{ ?s <urn:p> 1 SERVICE SILENT <{ENDPOINT}> {{ ?s <urn:q> ?n }} }}"
    assert rows(store, query, services) == [("<urn:a>", None)]
    with pytest.raises((QueryError, RemoteError)):
        evaluate(store, query.replace("SILENT", ""), services=services)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"{}", b'{"head": {}, "boolean": true}', b'{"head": {"vars": ["s"]}, "results": {"bindings": [{"s": {"type": "uri", "value": "no iri"}}]}}'],
)
def test_a_malformed_answer_is_an_error_that_names_the_endpoint(body):
    with pytest.raises(RemoteError) as caught:
        evaluate(Store.memory(), f"SELECT * {{ SERVICE <{ENDPOINT}> {{ ?s ?p ?o }} }}", services=answering(body))
    assert caught.value.code == "N104" and ENDPOINT in caught.value.message


def test_an_answer_without_a_variable_leaves_it_unbound():
    body = json.dumps({"head": {"vars": ["s"]}, "results": {"bindings": [{"s": {"type": "uri", "value": "urn:a"}}, {}]}}).encode()
    assert rows(Store.memory(), f"SELECT * {{ SERVICE <{ENDPOINT}> {{ ?s ?p ?o }} }}", answering(body)) == [("<urn:a>", None, None), (None, None, None)]


def test_more_solutions_than_allowed_are_an_error_and_never_cut():
    remote = Remote(endpoint="<urn:a> <urn:p> 1, 2, 3 .")
    services = Services((ENDPOINT,), rows=2, transport=remote.answer)
    with pytest.raises(LimitExceeded):
        evaluate(Store.memory(), f"SELECT * {{ SERVICE SILENT <{ENDPOINT}> {{ ?s ?p ?o }} }}", services=services)


def test_the_time_limit_of_the_query_holds_for_calls_too():
    def slow(endpoint: str, query: str, seconds: float) -> bytes:
        assert seconds <= 0.05
        time.sleep(0.06)
        return b""

    with pytest.raises(QueryTimeout):
        evaluate(Store.memory(), f"SELECT * {{ SERVICE SILENT <{ENDPOINT}> {{ ?s ?p ?o }} }}", services=Services((ENDPOINT,), transport=slow), timeout=0.05)


def test_an_answer_is_asked_for_anew_each_time():
    remote = Remote(endpoint="<urn:a> <urn:p> 1 .")
    store, query = Store.memory(), f"SELECT * {{ SERVICE <{ENDPOINT}> {{ ?s ?p ?o }} }}"
    assert len(rows(store, query, remote.services)) == 1
    load(remote.stores[ENDPOINT], b"<urn:b> <urn:p> 1 .", format="ttl")
    assert len(rows(store, query, remote.services)) == 2


# ── Over HTTP ────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def raw_server(answer: bytes, wait: float = 0):
    """A port that sends `answer` to whoever connects, once it has waited."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def run() -> None:
            with closing(listener.accept()[0]) as connection:
                connection.recv(65536)
                time.sleep(wait)
                connection.sendall(answer)

        threading.Thread(target=run, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/sparql"


def outcome(address: str, timeout: float = 5.0) -> str:
    with pytest.raises(RemoteError) as caught:
        evaluate(Store.memory(), f"SELECT * {{ SERVICE <{address}> {{ ?s ?p ?o }} }}", services=Services((address,), timeout))
    return caught.value.code


def test_a_server_that_says_nothing_is_too_slow():
    with raw_server(b"", wait=2) as address:
        assert outcome(address, timeout=0.2) == "N102"


def test_an_error_status_and_a_redirect_are_errors_and_nothing_else_is_fetched():
    with raw_server(b"HTTP/1.1 500 no\r\nContent-Length: 3\r\n\r\nno!") as address:
        assert outcome(address) == "N103"
    with raw_server(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n") as address:
        assert outcome(address) == "N103"


def test_a_port_where_nobody_listens_cannot_be_reached():
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    assert outcome(f"http://127.0.0.1:{port}/sparql") == "N101"


def test_a_project_asks_a_server_that_its_list_names(tmp_path):
    with KnowledgeGraph.open(project(tmp_path / "there", 300)) as there, served(there) as address:
        here = project(tmp_path / "here", 120)
        endpoint = f"{address}/sparql"
        with open(here / "kg.toml", "a") as settings:
            settings.write(f'[federation]\nallow = ["{endpoint}"]\n')
        with KnowledgeGraph.open(here) as graph:
            joined = f"SELECT ?s ?w {{ ?s <urn:weighs> ?mine SERVICE <{endpoint}> {{ ?s <urn:weighs> ?w }} FILTER(?mine >= 5) }}"
            found = {row[0].value: row[1] for row in graph.query(joined)}
            assert len(found) == 115 and found["urn:item:7"] == Literal(7)
            (count,) = next(graph.query(f"SELECT ?n {{ SERVICE <{endpoint}> {{ SELECT (COUNT(*) AS ?n) {{ ?s ?p ?o }} }} }}"))
            assert count.value == "300"


def test_the_list_takes_addresses_only(tmp_path):
    folder = project(tmp_path / "x")
    with open(folder / "kg.toml", "a") as settings:
        settings.write('[federation]\nallow = ["file:///etc/passwd"]\n')
    with pytest.raises(ProjectError) as caught:
        Project.load(folder)
    assert caught.value.code == "P109" and caught.value.location.line


# ── Updates ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_update_writes_what_an_endpoint_answers_for_what_it_has_just_written():
    remote = Remote(endpoint='<urn:a> <urn:name> "Anna", "安娜"@zh . <urn:b> <urn:name> "Bert" .')
    store = store_of("<urn:c> <urn:p> 1 .")
    request = f"""INSERT DATA {{ <urn:a> <urn:p> 1 }} ;
        INSERT {{ ?s <urn:called> ?name }} WHERE {{ ?s <urn:p> 1 SERVICE <{ENDPOINT}> {{ ?s <urn:name> ?name }} }}"""
    assert update(store, request, services=remote.services).inserted == 3
    found = rows(store, "SELECT ?s ?name { ?s <urn:called> ?name }", remote.services)
    assert found == [("<urn:a>", '"Anna"'), ("<urn:a>", '"安娜"@zh')]
    assert "VALUES" in remote.sent[0] and "urn:a" in remote.sent[0]


def test_an_update_asks_each_endpoint_that_a_variable_names():
    remote = Remote(endpoint="<urn:a> <urn:n> 1 .", other="<urn:a> <urn:n> 2 .")
    store = store_of("")
    request = f"""INSERT DATA {{ <urn:x> <urn:at> <{ENDPOINT}>, <{OTHER}> }} ;
        INSERT {{ ?s <urn:m> ?n }} WHERE {{ <urn:x> <urn:at> ?where SERVICE ?where {{ ?s <urn:n> ?n }} }}"""
    update(store, request, services=remote.services)
    assert {row[0] for row in rows(store, "SELECT ?n { ?s <urn:m> ?n }", remote.services)} == {
        f'"{n}"^^<http://www.w3.org/2001/XMLSchema#integer>' for n in (1, 2)
    }


def test_an_update_that_asks_an_endpoint_not_allowed_writes_nothing():
    store = store_of("")
    with pytest.raises(QueryError) as caught:
        update(store, f"INSERT DATA {{ <urn:a> <urn:p> 1 }} ; INSERT {{ ?s ?p ?o }} WHERE {{ SERVICE <{ENDPOINT}> {{ ?s ?p ?o }} }}")
    assert caught.value.code == "Q601"
    assert rows(store, "SELECT ?s { ?s ?p ?o }", Services()) == []
