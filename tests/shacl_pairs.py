"""Random pairs of shapes and data for comparing SHACL engines: `pair(seed)` is (shapes, data), both in Turtle."""

from __future__ import annotations

from random import Random

PREFIXES = """@prefix ex: <http://example.org/> .
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
_NODES = [f"ex:n{number}" for number in range(7)]
_CLASSES = ["ex:A", "ex:B", "ex:C"]
_PROPERTIES = ["ex:p", "ex:q", "ex:r"]
_NUMERIC = ["ex:k", "ex:m"]  # numbers only: pySHACL also finds an order of IRIs
_COMPARABLE = [*_NUMERIC, "ex:o"]  # numbers and what pySHACL, too, finds incomparable with them; dates and booleans it does not
_LITERALS = [

    "1", "2", "5", "-3", "10", "1.5", "2.50", "0.0", "true", "false", '"abc"', '"abcdef"', '""', '"x1"', '"Ab"', '"hello"@en', '"hallo"@de',
    '"color"@en-US', '"你好"@zh', '"2020-01-01"^^xsd:date', '"2021-06-30"^^xsd:date', '"2020-01-01T10:00:00"^^xsd:dateTime', '"oops"^^xsd:integer',
    '"2020-13-45"^^xsd:date', '"10.0"^^xsd:double', '"7"^^xsd:int', '"ex"^^ex:custom',
]  # fmt: skip
_DATATYPES = ["xsd:integer", "xsd:string", "xsd:decimal", "xsd:date", "xsd:boolean", "xsd:dateTime", "xsd:int", "xsd:double", "ex:custom"]
_KINDS = ["sh:IRI", "sh:Literal", "sh:BlankNodeOrIRI", "sh:IRIOrLiteral", "sh:BlankNode", "sh:BlankNodeOrLiteral"]
_NUMBERS = ["0", "1", "2", "3.5", "-1", "10"]
_ORDERED = ["1", "2", "2.0", "3.5", "10", "-1"]
_MIXED = [*_ORDERED, '"abc"', "ex:n1"]
_PATTERNS = ["^a", "b", "[0-9]", "^[a-z]*$", "n[1-3]$", "^$"]


def pair(seed: int) -> tuple[str, str]:
    random = Random(seed)
    return PREFIXES + _shapes(random), PREFIXES + _data(random)


# ── Data ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _data(random: Random) -> str:
    lines = []
    if random.random() < 0.6:
        lines.append("ex:B rdfs:subClassOf ex:A .")
    if random.random() < 0.3:
        lines.append("ex:C rdfs:subClassOf ex:B .")
    for node in _NODES:
        for class_ in random.sample(_CLASSES, random.choice([0, 1, 1, 2])):
            lines.append(f"{node} a {class_} .")
        for property_ in _PROPERTIES:
            for _ in range(random.choice([0, 0, 1, 1, 2, 3])):
                lines.append(f"{node} {property_} {_value(random)} .")
        for property_ in _COMPARABLE:
            for _ in range(random.choice([0, 1, 2])):
                lines.append(f"{node} {property_} {random.choice(_ORDERED if property_ in _NUMERIC else _MIXED)} .")
    return "\n".join(lines)


def statement(random: Random) -> str:
    """One triple, such as the data have."""
    kind = random.choice(["type", "number", *["value"] * 4])
    if kind == "type":
        return f"{random.choice(_NODES)} a {random.choice(_CLASSES)} ."
    if kind == "number":
        property_ = random.choice(_COMPARABLE)
        return f"{random.choice(_NODES)} {property_} {random.choice(_ORDERED if property_ in _NUMERIC else _MIXED)} ."
    return f"{random.choice(_NODES)} {random.choice(_PROPERTIES)} {_value(random)} ."


def _value(random: Random) -> str:
    return random.choice(_NODES) if random.random() < 0.45 else random.choice(_LITERALS)


# ── Shapes ───────────────────────────────────────────────────────────────────────────────────────────────────


class _Writer:
    """Writes shapes; each gets a name, so that reports can be compared."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.lines: list[str] = []
        self.count = 0

    def shape(self, depth: int, is_property: bool, target: str = "", is_comparable: bool = False) -> str:
        self.count += 1
        name = f"ex:S{self.count}"
        parts = [target] if target else []
        if is_property:
            is_comparable = False
        if is_property and self.random.random() < 0.12:
            parts += [f"sh:path {self.random.choice(_NUMERIC)}", f"sh:{self.random.choice(['lessThan', 'lessThanOrEquals'])} {self.random.choice(_NUMERIC)}"]
        elif is_property and self.random.random() < 0.25:
            parts.append(f"sh:path {self.random.choice(_COMPARABLE)}")
            is_comparable = True
        elif is_property:
            parts.append(f"sh:path {self.path(2)}")
        for _ in range(self.random.choice([1, 1, 2, 3])):
            part = self.constraint(depth, is_property, is_comparable)
            if part.split()[0] not in {one.split()[0] for one in parts} or part.split()[0] in ("sh:property", "sh:node", "sh:not", "sh:or"):
                parts.append(part)
        if self.random.random() < 0.1:
            parts.append("sh:severity sh:Warning")
        if self.random.random() < 0.04:
            parts.append("sh:deactivated true")
        kind = "sh:PropertyShape" if is_property else "sh:NodeShape"
        self.lines.append(f"{name} a {kind} ;\n  " + " ;\n  ".join(parts) + " .")
        return name

    def path(self, depth: int) -> str:
        kind = self.random.choice(["link"] * 6 + ["inverse", "sequence", "alternative", "star", "plus", "optional"]) if depth else "link"
        if kind == "link":
            return self.random.choice(_PROPERTIES)
        inner = self.path(0 if kind == "inverse" else depth - 1)  # pySHACL takes ^(p/q) for ^p/^q
        if kind in ("sequence", "alternative"):
            joined = f"({inner} {self.path(depth - 1)})"
            return joined if kind == "sequence" else f"[ sh:alternativePath {joined} ]"
        words = {"inverse": "inversePath", "star": "zeroOrMorePath", "plus": "oneOrMorePath", "optional": "zeroOrOnePath"}
        return f"[ sh:{words[kind]} {inner} ]"

    def constraint(self, depth: int, is_property: bool, is_comparable: bool) -> str:
        choose = self.random.choice
        simple = {
            "class": lambda: choose(_CLASSES),
            "datatype": lambda: choose(_DATATYPES),
            "nodeKind": lambda: choose(_KINDS),
            "minLength": lambda: choose("0134"),
            "maxLength": lambda: choose("0235"),
            "pattern": lambda: f'"{choose(_PATTERNS)}"',
            "languageIn": lambda: choose(['("en")', '("de" "zh")', '("en-US")']),
            "equals": lambda: choose(_PROPERTIES),
            "disjoint": lambda: choose(_PROPERTIES),
            "hasValue": lambda: _value(self.random),
            "in": lambda: f"({' '.join(_value(self.random) for _ in range(5))})",
            "closed": lambda: "true",
        }
        if is_property:
            simple |= {
                "minCount": lambda: choose("0122"),
                "maxCount": lambda: choose("0123"),
                "uniqueLang": lambda: "true",
            }
        if is_comparable:
            simple |= {name: lambda: choose(_NUMBERS) for name in ("minInclusive", "minExclusive", "maxInclusive", "maxExclusive")}
        nested = ["property", "node", "not", "and", "or", "xone", *(["qualified"] if is_property else [])]
        if depth == 0 or self.random.random() < 0.55:
            name = choose(list(simple))
            return f"sh:{name} {simple[name]()}"
        name = choose(nested)
        if name == "property":
            return f"sh:property {self.shape(depth - 1, True)}"
        if name in ("node", "not"):
            return f"sh:{name} {self.shape(depth - 1, False, is_comparable=is_comparable)}"
        if name == "qualified":
            disjoint = " ; sh:qualifiedValueShapesDisjoint true" if self.random.random() < 0.3 else ""
            return f"sh:qualifiedValueShape {self.shape(depth - 1, False)} ; sh:{choose(['qualifiedMinCount', 'qualifiedMaxCount'])} {choose('012')}{disjoint}"
        members = [self.shape(depth - 1, self.random.random() < 0.4, is_comparable=is_comparable) for _ in range(choose([1, 2, 3]))]
        return f"sh:{name} ({' '.join(members)})"


def _shapes(random: Random) -> str:
    writer = _Writer(random)
    for _ in range(random.choice([1, 2, 3])):
        target = random.choice(["class", "class", "node", "subjects", "objects"])
        words = {
            "class": f"sh:targetClass {random.choice(_CLASSES)}",
            "node": f"sh:targetNode {_value(random)}, {random.choice(_NODES)}",
            "subjects": f"sh:targetSubjectsOf {random.choice(_PROPERTIES)}",
            "objects": f"sh:targetObjectsOf {random.choice(_PROPERTIES)}",
        }
        writer.shape(2, random.random() < 0.4, words[target])
    return "\n".join(writer.lines)
