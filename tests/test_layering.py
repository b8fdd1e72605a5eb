"""The architecture as a test: which package may import which, no cycle, and no word of a bank in the engine."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(path for folder in ("kg", "api") for path in (ROOT / folder).rglob("*.py"))

# Lower layers come first; a module imports from lower layers and from its own folder only. Modules of one set are siblings.
LAYERS = [
    {"kg.errors"},
    {"kg.terms"},
    {"kg.sql"},
    {"kg.store"},
    {"kg.sparql"},
    {"kg.project"},
    {"kg.saved_queries"},
    {"kg.exports"},
    {"kg.pages"},
    {"kg.mapping", "kg.reasoner", "kg.shapes", "kg.analytics", "kg.remote", "kg.explain", "kg.hermit"},
    {"kg.rules", "kg.validation"},
    {"kg.build"},
    {"kg.what_if", "kg.changes", "kg.ontology_check"},
    {"kg.graph"},
    {"kg"},
    {"kg.check"},
    {"api"},
    {"kg.cli"},
    {"kg.__main__"},
]
RANK = {unit: rank for rank, layer in enumerate(LAYERS) for unit in layer}

DOMAIN_WORDS = re.compile(
    r"\b(bank|banks|enterprise|enterprises|company|companies|shareholder|shareholders|shareholding|shareholdings|customer|customers|"
    r"guarantor|guarantee[sd]?|loans?|borrowers?|credit|controller|concert|kinship|payee|payer|invoices?)\b",
    re.IGNORECASE,
)


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def unit(module: str) -> str:
    """The layer's unit a module belongs to: `kg.store.quads` → `kg.store`, `api.pages` → `api`."""
    parts = module.split(".")
    return "api" if parts[0] == "api" else ".".join(parts[:2])


def imports(path: Path) -> list[tuple[str, int]]:
    found = []
    known = {module_name(other) for other in MODULES}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}:{node.lineno}: write imports in full"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [(name if name in known else node.module, node.lineno) for name in names]
    return [(name, line) for name, line in found if name.split(".")[0] in ("kg", "api")]


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_imports_flow_one_way(path):
    mine = unit(module_name(path))
    assert mine in RANK, f"{mine} has no place in LAYERS"
    for name, line in imports(path):
        theirs = unit(name)
        assert theirs == mine or RANK[theirs] < RANK[mine], f"{path.relative_to(ROOT)}:{line}: {mine} must not import {theirs}"


def test_no_module_imports_itself_in_a_circle():
    graph = {module_name(path): {name for name, _ in imports(path)} for path in MODULES}
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " → ".join([*trail[trail.index(module) :], module])
        if module not in done:
            for other in graph.get(module, ()):
                visit(other, (*trail, module))
            done.add(module)

    for module in graph:
        visit(module, ())


ENGINE_TEXTS = [path for folder in ("kg", "api") for path in (ROOT / folder).rglob("*") if path.suffix in {".py", ".lark", ".html", ".toml", ".js", ".css"}]


@pytest.mark.parametrize("path", ENGINE_TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_engine_knows_no_bank(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        assert not DOMAIN_WORDS.search(line), f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
