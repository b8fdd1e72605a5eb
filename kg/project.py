"""kg.toml and the content folders → Project: what there is to build, and under which names.

    [project]
    name = "garden"                        # required
    base = "https://example.org/garden/"   # required: data IRIs and graph names start with it
    domains = ["core", "garden"]            # required: a folder of the same name in each content folder
    title = { en = "…", zh = "…" }

    [prefixes]
    garden = "https://example.org/garden/ontology/"

    [store]
    path = "store"                         # the folder of versions
    keep = 3                               # versions kept for going back
    memory = "4GB"                         # DuckDB's limit; more spills to disk
    threads = 2                            # default: all cores

    [limits]
    timeout = 60                           # seconds a query may take
    rows = 1000000                         # rows a query may return

    [reasoning]
    follow = true                          # edits and loads change the conclusions at once; false: the next build does
    owl = "off"                            # what the ontology's axioms conclude: "off", "rdfs", or "rl" (OWL 2 RL)
    owl_after_rules = false                # true: draw them after those of the rules, which then do not see them

    [search]
    properties = ["rdfs:label"]            # whose texts kg:search and /search look through; default: rdfs:label, skos:prefLabel, skos:altLabel

    [validation]
    on = true                              # false: builds and updates do not look at the project's shapes
    fail = "never"                         # or info, warning, violation: a build with a result as severe publishes nothing
    guard = "off"                          # of updates: report says what a change violates; reject refuses it

    [server]
    origins = ["*"]                        # web origins whose pages may read answers ("*": all), and, named one by one, ask for changes
    slow = 10                              # seconds from which on a query is written to the log of slow queries
    slow_log = "slow.jsonl"                # its file, lines of JSON; default: the server's standard error

    [federation]
    allow = ["https://…/sparql"]           # the endpoints that SERVICE may ask, spelled as queries spell them; default: none
    timeout = 30                           # seconds an endpoint has for an answer
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from kg.errors import Location, ProjectError, did_you_mean
from kg.store.search_texts import DEFAULT_PROPERTIES

WELL_KNOWN_PREFIXES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "dcterms": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "sh": "http://www.w3.org/ns/shacl#",
    "kg": "urn:kg:",
}

_KEYS: dict[str, dict[str, type | tuple[type, ...]]] = {
    "project": {"name": str, "base": str, "domains": list, "title": dict},
    "prefixes": {},
    "store": {"path": str, "keep": int, "memory": str, "threads": int},
    "limits": {"timeout": (int, float), "rows": int},
    "reasoning": {"follow": bool, "owl": str, "owl_after_rules": bool},
    "search": {"properties": list},
    "validation": {"on": bool, "fail": str, "guard": str},
    "federation": {"allow": list, "timeout": (int, float)},
    "server": {"origins": list, "slow": (int, float), "slow_log": str},
}
_CHOICES = {"fail": ("never", "info", "warning", "violation"), "guard": ("off", "report", "reject")}


# What may be concluded from the axioms of the ontology: nothing, RDFS, OWL 2 RL.
ENTAILMENTS = ("off", "rdfs", "rl")


@dataclass(frozen=True)
class ContentFile:
    """A file of a content folder; `name` is its name without the suffix that says its kind."""

    domain: str
    name: str
    path: Path

    @property
    def key(self) -> str:
        return f"{self.domain}/{self.name}"


@dataclass(frozen=True)
class Limits:
    timeout: float = 60.0
    rows: int = 1_000_000


@dataclass(frozen=True)
class Validation:
    """Whether builds check the graph against the project's shapes, how severe a result makes one fail, and what is done about updates
    that violate shapes."""

    on: bool = True
    fail: str = "never"
    guard: str = "off"


@dataclass(frozen=True)
class Federation:
    """The endpoints that SERVICE may ask, and the seconds that each has for an answer."""

    allow: tuple[str, ...] = ()
    timeout: float = 30.0


@dataclass(frozen=True)
class Server:
    """Which web origins the server knows, and from how many seconds on a query is logged (into `slow_log`, None for standard error)."""

    origins: tuple[str, ...] = ("*",)
    slow: float = 10.0
    slow_log: Path | None = None


@dataclass(frozen=True)
class Project:
    """A project folder as read from its kg.toml; paths are absolute."""

    root: Path
    name: str
    base: str
    domains: tuple[str, ...]
    title: Mapping[str, str]
    prefixes: Mapping[str, str]
    store: Path
    keep: int = 3
    settings: Mapping[str, str | int] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    federation: Federation = field(default_factory=Federation)
    server: Server = field(default_factory=Server)
    follow: bool = True  # whether conclusions follow edits at once
    validation: Validation = field(default_factory=Validation)
    entailment: str = "off"  # what is concluded from the ontology's axioms: ENTAILMENTS
    owl_after_rules: bool = False
    search: tuple[str, ...] = DEFAULT_PROPERTIES  # IRIs of the properties whose texts are searched

    @classmethod
    def load(cls, path: str | Path = "kg.toml") -> Project:
        """Read kg.toml (or the folder that has one); ProjectError names what is missing or misspelled."""
        path = Path(path)
        if path.is_dir():
            path = path / "kg.toml"
        if not path.exists():
            raise ProjectError("P101", f"there is no project here: {path} is missing", help="go to the project's folder, or make one with kg init NAME")
        text = path.read_text(encoding="utf-8")
        document = _parse_toml(text, path)
        _check_keys(document, text, path)
        project, store, federation = document["project"], document.get("store", {}), document.get("federation", {})
        root = path.resolve().parent
        prefixes = WELL_KNOWN_PREFIXES | document.get("prefixes", {})
        settings = {name: store[key] for key, name in (("memory", "memory_limit"), ("threads", "threads")) if key in store}
        loaded = cls(
            root=root,
            name=project["name"],
            base=project["base"],
            domains=tuple(project["domains"]),
            title=project.get("title", {"en": project["name"]}),
            prefixes=prefixes,
            store=root / store.get("path", "store"),
            keep=store.get("keep", 3),
            settings=settings,
            limits=Limits(**document.get("limits", {})),
            validation=Validation(**document.get("validation", {})),
            server=_server(document.get("server", {}), root),
            federation=Federation(**federation | {"allow": tuple(federation.get("allow", ()))}),
            follow=document.get("reasoning", {}).get("follow", True),
            entailment=document.get("reasoning", {}).get("owl", "off"),
            owl_after_rules=document.get("reasoning", {}).get("owl_after_rules", False),
            search=tuple(_iri_of(name, prefixes, text, path) for name in document.get("search", {}).get("properties", DEFAULT_PROPERTIES)),
        )
        _check_domains(loaded, text, path)
        return loaded

    # ── Content ──────────────────────────────────────────────────────────────────────────────────────────────

    def ontology(self) -> list[ContentFile]:
        """ontology/<domain>/**/*.ttl, the code lists among them."""
        return list(self._files("ontology", "**/*.ttl", ".ttl"))

    def checks(self) -> list[ContentFile]:
        """ontology/<domain>/checks/*.rq: queries whose rows are faults."""
        return list(self._files("ontology", "checks/*.rq", ".rq"))

    def mappings(self) -> list[ContentFile]:
        """mappings/<domain>/*.r2rml.ttl, *.rml.ttl, *.yarrrml.yml and *.yarrrml.yaml"""
        endings = (".r2rml.ttl", ".rml.ttl", ".yarrrml.yml", ".yarrrml.yaml")
        return [file for ending in endings for file in self._files("mappings", f"*{ending}", ending)]

    def sources(self, domain: str) -> Path:
        """mappings/<domain>/sources.toml: the one file that differs in production."""
        return self.root / "mappings" / domain / "sources.toml"

    def changes(self, domain: str) -> Path:
        """mappings/<domain>/changes.toml: what files of changes do to the tables; it need not be there."""
        return self.root / "mappings" / domain / "changes.toml"

    def rules(self) -> list[ContentFile]:
        """rules/<domain>/*.srl, *.swrl, *.shacl.ttl, *.swrl.ttl and *.owl. ProjectError P110 where two have one name."""
        found = [file for suffix in (".srl", ".swrl", ".shacl.ttl", ".swrl.ttl", ".owl") for file in self._files("rules", f"*{suffix}", suffix)]
        by_key: dict[str, ContentFile] = {}
        for file in found:
            other = by_key.setdefault(file.key, file)
            if other is not file:
                names = f"{self.relative(other.path)} and {self.relative(file.path)}"
                raise ProjectError("P110", f"{names} would write the same graph", help="give each rule file of a domain a name of its own")
        return found

    def shapes(self) -> list[ContentFile]:
        """rules/<domain>/shapes/*.ttl"""
        return list(self._files("rules", "shapes/*.ttl", ".ttl"))

    def shape_cases(self) -> list[ContentFile]:
        """rules/<domain>/shapes/cases/<file>/<case>.ttl: data, with what they violate in a `#+ violates:` line."""
        return list(self._files("rules", "shapes/cases/*/*.ttl", ".ttl"))

    def cases(self) -> list[ContentFile]:
        """rules/<domain>/cases/<file>/<case>: folders with given.ttl, then.ttl, not.ttl."""
        found = []
        for domain in self.domains:
            folder = self.root / "rules" / domain / "cases"
            found += [
                ContentFile(domain, f"{given.parent.parent.name}/{given.parent.name}", given.parent)
                for given in sorted(folder.glob("*/*/given.ttl"))
            ]
        return found

    def measures(self) -> list[ContentFile]:
        """measures/<domain>/*.rq"""
        return list(self._files("measures", "*.rq", ".rq"))

    def exports(self) -> list[ContentFile]:
        """exports/<domain>/*.json: templates (kg.exports)"""
        return list(self._files("exports", "*.json", ".json"))

    def queries(self) -> list[ContentFile]:
        """queries/<domain>/*.rq"""
        return list(self._files("queries", "*.rq", ".rq"))

    def pages(self) -> list[ContentFile]:
        """pages/<domain>/*.toml"""
        return list(self._files("pages", "*.toml", ".toml"))

    def _files(self, folder: str, pattern: str, suffix: str) -> Iterator[ContentFile]:
        for domain in self.domains:
            start = self.root / folder / domain
            for path in sorted(start.glob(pattern)):
                name = path.relative_to(start).as_posix().removesuffix(suffix)
                yield ContentFile(domain, name, path)

    def graph_iri(self, kind: str, file: ContentFile | None = None) -> str:
        """The named graph of a content file, such as <base>graph/map/garden/trees; of `edit` alone without a file."""
        return f"{self.base}graph/{kind}" + (f"/{file.key}" if file else "")

    def relative(self, path: Path) -> str:
        """A path as a person in the project's folder would write it."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)


def _parse_toml(text: str, path: Path) -> dict:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, column = getattr(error, "lineno", None), getattr(error, "colno", None)
        if line is None:  # Python before 3.14 says it in the message only
            words = str(error).replace(")", "").split()
            line, column = (int(words[words.index("line") + 1].strip(",")), int(words[words.index("column") + 1])) if "line" in words else (1, 1)
        place = Location.in_text(text, line, column, str(path))
        raise ProjectError("P102", f"not valid TOML: {str(error).split(' (at')[0]}", place) from None


def _check_keys(document: dict, text: str, path: Path) -> None:
    for section, content in document.items():
        if section not in _KEYS:
            raise ProjectError("P103", f"unknown section [{section}]", _place(text, path, f"[{section}"), did_you_mean(section, _KEYS))
        if not isinstance(content, dict):
            raise ProjectError("P103", f"{section} must be a section [{section}]", _place(text, path, section))
        for key, value in content.items():
            allowed = _KEYS[section]
            if section == "prefixes":
                allowed = {key: str}
            if key not in allowed:
                help = did_you_mean(key, allowed) or f"[{section}] takes {', '.join(allowed)}"
                raise ProjectError("P104", f"unknown key {key} in [{section}]", _place(text, path, key), help)
            if not isinstance(value, allowed[key]) or isinstance(value, bool) != (allowed[key] is bool):
                raise ProjectError("P105", f"{key} in [{section}] has the wrong type: {value!r}", _place(text, path, key))
    for key in ("name", "base", "domains"):
        if key not in document.get("project", {}):
            raise ProjectError("P106", f"[project] lacks {key}", Location(str(path)), f"add {key} = … under [project]")
    base = document["project"]["base"]
    if not urlsplit(base).scheme or base[-1] not in "/#":
        raise ProjectError("P107", f"base must be an absolute IRI that ends in / or #: {base}", _place(text, path, "base"))
    for key, words in _CHOICES.items():
        value = document.get("validation", {}).get(key, words[0])
        if value not in words:
            help = did_you_mean(value, words) or f"it is one of {', '.join(words)}"
            raise ProjectError("P111", f"{key} in [validation] cannot be {value!r}", _place(text, path, key), help)
    entailment = document.get("reasoning", {}).get("owl", "off")
    if entailment not in ENTAILMENTS:
        help = did_you_mean(entailment, ENTAILMENTS) or f"take one of {', '.join(ENTAILMENTS)}"
        raise ProjectError("P112", f"owl in [reasoning] is {entailment}, which is no entailment regime", _place(text, path, "owl"), help)
    for origin in document.get("server", {}).get("origins", ()):
        if origin != "*" and (not isinstance(origin, str) or urlsplit(origin).scheme not in ("http", "https") or origin != "://".join(urlsplit(origin)[:2])):
            help = "write scheme and host, such as https://example.org, or \"*\" for all"
            raise ProjectError("P111", f"origins in [server] names no web origin: {origin!r}", _place(text, path, "origins"), help)
    for endpoint in document.get("federation", {}).get("allow", ()):
        if not isinstance(endpoint, str) or urlsplit(endpoint).scheme not in ("http", "https") or not urlsplit(endpoint).netloc:
            help = "write the whole address, such as https://example.org/sparql"
            raise ProjectError("P109", f"allow in [federation] names no endpoint: {endpoint!r}", _place(text, path, "allow"), help)


def _check_domains(project: Project, text: str, path: Path) -> None:
    folders = ("ontology", "mappings", "rules", "measures", "queries", "pages")
    for domain in project.domains:
        if not any((project.root / folder / domain).is_dir() for folder in folders):
            present = {child.name for folder in folders for child in (project.root / folder).glob("*") if child.is_dir()}
            help = did_you_mean(domain, present) or "make the folder, or take the word out of domains"
            raise ProjectError(
                "P108", f"domain {domain} has no folder under {', '.join(folders)}", _place(text, path, "domains"), help
            )


def _server(section: Mapping[str, object], root: Path) -> Server:
    log = section.get("slow_log")
    return Server(tuple(section.get("origins", Server.origins)), section.get("slow", Server.slow), root / str(log) if log else None)


def _iri_of(name: object, prefixes: Mapping[str, str], text: str, path: Path) -> str:
    """The IRI of a property in [search], written with a prefix or in full."""
    prefix, colon, local = str(name).strip("<>").partition(":")
    if not isinstance(name, str) or not colon or not local:
        raise ProjectError("P110", f"properties in [search] names no property: {name!r}", _place(text, path, "properties"), "write prefix:name or the whole IRI")
    if prefix in prefixes:
        return prefixes[prefix] + local
    if local.startswith("//") or prefix == "urn":
        return name.strip("<>")
    raise ProjectError("P110", f"properties in [search] has an unknown prefix: {name}", _place(text, path, "properties"), did_you_mean(prefix, prefixes) or "declare it under [prefixes]")


def _place(text: str, path: Path, word: str) -> Location:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith(word):
            return Location(str(path), number, line.index(word) + 1, line)
    return Location(str(path))
