"""HermiT, a reasoner for all of OWL 2 DL, which comes with owlready2 and runs on Java: satisfiability and classification."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from pyoxigraph import Quad, RdfFormat, Triple, serialize

_NOTHING = "http://www.w3.org/2002/07/owl#Nothing"
_IMPORTS = "http://www.w3.org/2002/07/owl#imports"
_RELATION = re.compile(r"^(SubClassOf|EquivalentClasses)\( ((?:<[^>]+>\s*)+)\)$", re.MULTILINE)
_MEMORY = "1000M"


@dataclass(frozen=True)
class Classification:
    """What HermiT says of an ontology; classes are IRIs. `problem` is its own words where it could not answer."""

    is_consistent: bool = True
    unsatisfiable: tuple[str, ...] = ()
    subclasses: tuple[tuple[str, str], ...] = ()  # direct ones
    equivalents: tuple[tuple[str, ...], ...] = ()
    problem: str | None = None


def missing() -> str | None:
    """Why HermiT cannot run here; None where it can."""
    if shutil.which("java") is None:
        return "Java is not installed"
    if find_spec("owlready2") is None:
        return "owlready2, which brings HermiT, is not installed"
    return None


def classify(triples: Iterable[Triple], timeout: float = 300) -> Classification:
    """Classify an ontology. Datatypes that OWL 2 does not know are left out, as are imports."""
    folder = Path(find_spec("owlready2").origin).parent / "hermit"
    with tempfile.TemporaryDirectory(prefix="kg-hermit-") as work:
        file = Path(work) / "ontology.nt"
        file.write_bytes(serialize((Quad(t.subject, t.predicate, t.object) for t in triples if t.predicate.value != _IMPORTS), format=RdfFormat.N_TRIPLES))
        command = [
            "java", f"-Xmx{_MEMORY}", "-cp", f"{folder}:{folder / 'HermiT.jar'}", "org.semanticweb.HermiT.cli.CommandLine",
            "-c", "-O", "-D", "-I", "--ignoreUnsupportedDatatypes", file.as_uri(),
        ]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired:
            return Classification(problem=f"it took longer than {timeout:g} seconds")
    said = done.stdout + done.stderr
    if "Inconsistent ontology" in said or "InconsistentOntologyException" in said:
        return Classification(is_consistent=False)
    if done.returncode != 0 or "Exception" in done.stderr:
        return Classification(problem=next((line for line in said.splitlines() if "Exception" in line or "rror" in line), said.strip()[:200]))
    return _read(done.stdout)


def _read(text: str) -> Classification:
    unsatisfiable: list[str] = []
    subclasses: list[tuple[str, str]] = []
    equivalents: list[tuple[str, ...]] = []
    for relation, listed in _RELATION.findall(text):
        classes = tuple(re.findall(r"<([^>]+)>", listed))
        if relation == "SubClassOf":
            subclasses.append((classes[0], classes[1]))
        elif _NOTHING in classes:
            unsatisfiable += [cls for cls in classes if cls != _NOTHING]
        else:
            equivalents.append(tuple(sorted(classes)))
    return Classification(True, tuple(sorted(unsatisfiable)), tuple(sorted(subclasses)), tuple(sorted(equivalents)))
