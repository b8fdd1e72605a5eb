"""The SPARQL editor of npm: served where its files are, and not missed where they are not; the update form."""

import re
import shutil
from pathlib import Path

import pytest

from api import create_app, vendor
from kg import KnowledgeGraph

BROWSER = {"Accept": "text/html,*/*;q=0.8"}


@pytest.fixture
def graph():
    with KnowledgeGraph.memory({"ex": "urn:ex:"}) as graph:
        graph.load(b'<urn:ex:a> <urn:ex:says> "x" .', format="nt")
        yield graph


def app_with(graph, folder: Path, files: bool, **settings):
    app = create_app(graph, **settings)
    shutil.copytree(app.static_folder, folder / "static", ignore=shutil.ignore_patterns("vendor"))
    app.static_folder = str(folder / "static")
    if files:
        (folder / "static" / "vendor").mkdir()
        for name in ("yasgui.min.js", "yasgui.min.css"):
            (folder / "static" / "vendor" / name).write_text("/* stands for the real one */")
    return app.test_client()


def test_the_editor_is_offered_with_the_query_and_loads_from_this_server_only(graph, tmp_path):
    client = app_with(graph, tmp_path, files=True)
    plain = client.get("/sparql?query=SELECT * { ?s ?p ?o }", headers=BROWSER).text
    assert re.search(r'href="/editor\?query=SELECT', plain)
    page = client.get('/editor?query=SELECT "<b>"', headers=BROWSER)
    assert page.status_code == 200 and "<b>" not in page.text and "urn:ex:" in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy and "connect-src 'self';" in policy
    for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text):
        assert client.get(address).status_code == 200, address
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", page.text)


def test_without_its_files_the_editor_leads_to_the_plain_form(graph, tmp_path):
    client = app_with(graph, tmp_path, files=False)
    assert "/editor" not in client.get("/sparql", headers=BROWSER).text
    answer = client.get("/editor?query=ASK {}")
    assert (answer.status_code, answer.location) == (302, "/sparql?query=ASK+%7B%7D")


def test_vendored_files_are_copied_with_their_licences(tmp_path):
    package = tmp_path / "node_modules" / "@zazuko" / "yasgui"
    (package / "build").mkdir(parents=True)
    (package / "package.json").write_text('{"version": "1.2.3", "license": "MIT"}')
    (package / "build" / "yasgui.min.js").write_text("run();\n//# sourceMappingURL=yasgui.min.js.map\n")
    (package / "build" / "yasgui.min.css").write_text("a {}")
    copied = vendor.copy(tmp_path / "node_modules", tmp_path / "vendor")
    assert [path.name for path in copied] == ["yasgui.min.js", "yasgui.min.css"]
    assert "sourceMappingURL" not in copied[0].read_text() and '"MIT"' in (tmp_path / "vendor" / "licenses.json").read_text()


def test_the_update_form_stands_where_changes_are_taken(graph, tmp_path):
    assert 'name="update"' not in create_app(graph).test_client().get("/sparql", headers=BROWSER).text
    client = create_app(graph, writable=True).test_client()
    page = client.get("/sparql", headers=BROWSER).text
    assert 'name="update"' in page and "changes nothing" not in page
    done = client.post("/sparql", data={"update": "INSERT DATA { <urn:b> <urn:p> 1, 2 }"}, headers=BROWSER)
    assert done.status_code == 200 and "2 triples added, 0 taken away" in done.text
    wrong = client.post("/sparql", data={"update": "INSERT DATA {"}, headers=BROWSER)
    assert wrong.status_code == 400 and "INSERT DATA {</textarea>" in wrong.text and "Q1" in wrong.text
    assert client.post("/sparql", data={"update": "INSERT DATA { <urn:c> <urn:p> 1 }"}).get_json()["inserted"] == 1
