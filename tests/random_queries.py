"""Random graphs and random queries over them, for comparing two engines; one seed, one query."""

from __future__ import annotations

from random import Random

NODES = [f":n{i}" for i in range(6)]
PREDICATES = [":p", ":q", ":r"]
LITERALS = [
    "1", "2", "3", "1.5", "2.5", "-1", '"1.5"^^xsd:double', '"2"^^xsd:float', '"a"', '"b"', '"a"@en', '"b"@de',
    '"2"', '""', "true", "false", '"2024-01-05"^^xsd:date', '"2024-02-01"^^xsd:date', '"2024-01-05T10:00:00Z"^^xsd:dateTime',
    '"2024-01-05T12:00:00+02:00"^^xsd:dateTime', '"2024-03-01T00:00:00Z"^^xsd:dateTime', '"x"^^:type',
]  # fmt: skip
VARIABLES = ["?a", "?b", "?c", "?d"]


def turtle(random: Random) -> tuple[str, dict[str, str]]:
    """A default graph and two named graphs, as Turtle without prefixes; few nodes, so that joins meet."""
    kinds = random.sample(LITERALS, random.randint(2, 12))
    return _triples(random, kinds), {f"http://example.org/g{i}": _triples(random, kinds) for i in range(2)}


def _triples(random: Random, literals: list[str]) -> str:
    lines = []
    for _ in range(random.randint(4, 14)):
        target = random.choice(NODES) if random.random() < 0.5 else random.choice(literals)
        lines.append(f"{random.choice(NODES)} {random.choice(PREDICATES)} {target} .")
    return "\n".join(lines)


def path_query(random: Random) -> str:
    """A SELECT of one or two patterns with nested paths, some of whose ends are known: constants, VALUES, other patterns."""

    def path(depth: int) -> str:
        if depth == 0 or random.random() < 0.2:
            return random.choice([*PREDICATES, *PREDICATES, f"^{random.choice(PREDICATES)}", "!:p", "!(:p|^:q)"])
        inner = path(depth - 1)
        return random.choice([f"({inner})+", f"({inner})*", f"({inner})?", f"({inner}/{path(depth - 1)})", f"({inner}|{path(depth - 1)})", f"^({inner})"])

    def end() -> str:
        return random.choice([*VARIABLES, *VARIABLES, random.choice(NODES), random.choice(NODES)])

    parts = [f"{end()} {path(3)} {end()} ."]
    if random.random() < 0.4:
        parts.append(f"{end()} {path(2)} {end()} .")
    if random.random() < 0.4:
        parts.append(f"{random.choice([*VARIABLES, *NODES])} {random.choice([*PREDICATES, '?d'])} {end()} .")
    if random.random() < 0.3:
        parts.append(f"VALUES {random.choice(VARIABLES)} {{ {random.choice(NODES)} {random.choice(['', ':nowhere', 'UNDEF', *NODES])} }}")
    if random.random() < 0.15:
        parts.append(f"OPTIONAL {{ {end()} {path(2)} {end()} }}")
    if random.random() < 0.1:
        parts.append(f"FILTER EXISTS {{ {end()} {path(2)} {end()} }}")
    if random.random() < 0.15:
        parts.append(f"FILTER({random.choice(VARIABLES)} = {random.choice(NODES)} && BOUND({random.choice(VARIABLES)}))")
    random.shuffle(parts)
    body = " ".join(parts)
    if random.random() < 0.25:
        body = f"GRAPH {random.choice(['?g', ':g0'])} {{ {body} }}"
    return f"SELECT DISTINCT * WHERE {{ {body} }}"  # Oxigraph drops duplicates of an alternative inside another path, which section 18.4 keeps


class Query:
    """One random SELECT, as text."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.fresh = 0
        self.is_in_graph = False
        self.text = self._select(top=True)

    def _pick(self, *choices: object) -> object:
        return self.random.choice(choices)

    def _variable(self) -> str:
        return self.random.choice(VARIABLES)

    def _new(self) -> str:
        self.fresh += 1
        return f"?x{self.fresh}"

    # ── Patterns ─────────────────────────────────────────────────────────────────────────────────────────────

    def group(self, depth: int) -> str:
        """A group; its BINDs come last and assign variables of their own.

        In a GRAPH it has triples: Oxigraph leaves `?g` unbound in `GRAPH ?g { VALUES … }`, which the suite's `bindings/graph` forbids.
        """
        parts = [self._triples()] if self.is_in_graph or self.random.random() < 0.85 else []
        for _ in range(self.random.randint(0, 2 if depth else 1)):
            parts.append(self._element(depth))
        if self.random.random() < 0.35:
            parts.append(f"FILTER({self.condition(2)})")
        if self.random.random() < 0.25:
            parts.append(f"BIND({self.expression(2)} AS {self._new()})")
        return "{ " + " ".join(parts) + " }"

    def _triples(self) -> str:
        return " ".join(self._triple() for _ in range(self.random.randint(1, 3)))

    def _triple(self) -> str:
        subject = self._variable() if self.random.random() < 0.85 else self.random.choice(NODES)
        roll = self.random.random()
        predicate = self._variable() if roll < 0.06 else self._path() if roll < 0.2 else self.random.choice(PREDICATES)
        roll = self.random.random()
        is_path = predicate[0] not in ":?" or not predicate[1:].isalnum()
        target = self._variable() if roll < 0.8 else self.random.choice(NODES if roll < 0.9 or is_path else LITERALS)
        return f"{subject} {predicate} {target} ."

    def _path(self) -> str:
        p, q = self.random.choice(PREDICATES), self.random.choice(PREDICATES)
        return self._pick(f"^{p}", f"{p}/{q}", f"{p}+", f"{p}*", f"{p}?", f"({p}/^{q})", f"({p}|{q})+", f"(^{p}/{q})*")

    def _element(self, depth: int) -> str:
        if depth == 0:
            return self._triples()
        kind = self._pick("OPTIONAL", "OPTIONAL", "UNION", "MINUS", "GRAPH", "EXISTS", "GROUP", "VALUES", "SELECT")
        if kind == "VALUES":
            return self._values()
        if kind == "SELECT":
            return "{ " + self._select(top=False) + " }"
        was_in_graph, self.is_in_graph = self.is_in_graph, self.is_in_graph or kind == "GRAPH"
        inner = self.group(depth - 1)
        self.is_in_graph = was_in_graph
        if kind == "UNION":
            return f"{inner} UNION {self.group(depth - 1)}"
        if kind == "GRAPH":
            return f"GRAPH {self._pick('?g', ':g0', ':g1')} {inner}"
        if kind == "EXISTS":
            return f"FILTER {self._pick('', 'NOT ')}EXISTS {inner}"
        return inner if kind == "GROUP" else f"{kind} {inner}"

    def _values(self) -> str:
        variable = self._variable()
        terms = [self._pick("UNDEF", self.random.choice(NODES), self.random.choice(LITERALS)) for _ in range(self.random.randint(1, 3))]
        return f"VALUES {variable} {{ {' '.join(terms)} }}"

    # ── Expressions ──────────────────────────────────────────────────────────────────────────────────────────

    def expression(self, depth: int) -> str:
        if depth == 0 or self.random.random() < 0.25:
            return self._pick(self._variable(), self._variable(), self.random.choice(LITERALS), self.random.choice(NODES))
        if self.random.random() < 0.3:
            return self.condition(depth)
        a, b, test = self.expression(depth - 1), self.expression(depth - 1), self.condition(depth - 1)
        return self._pick(
            f"({a} + {b})", f"({a} - {self._pick('1', '2.5', '(?a + 1)')})", f"({a} * {b})", f"(-{a})", f"COALESCE({a}, {b})", f"IF({test}, {a}, {b})", f"LANG({a})",
            f"DATATYPE({self._variable()})", f"STRLEN({a})", f"UCASE({a})", f"CONCAT({a}, {b})", f"ABS({a})", f"FLOOR({a})", f"YEAR({a})",
            f"xsd:integer({a})", f"STR({self._variable()})", f"STRAFTER({a}, {b})", f"SUBSTR({a}, 1, 1)",
        )  # fmt: skip

    def condition(self, depth: int) -> str:
        """A boolean, or an error: of other effective boolean values engines think differently."""
        a, b = self.expression(max(0, depth - 1)), self.expression(max(0, depth - 1))
        if depth == 0:
            return self._pick(f"({a} = {b})", f"BOUND({self._variable()})", f"ISIRI({a})")
        c, d = self.condition(depth - 1), self.condition(depth - 1)
        return self._pick(
            f"({a} = {b})", f"({a} != {b})", self._order("<"), self._order(">="), f"({c} && {d})", f"({c} || {d})", f"(!{c})",
            f"BOUND({self._variable()})", f"({a} IN ({b}, {self.expression(0)}))", f"SAMETERM({a}, {b})", f"ISIRI({a})", f"ISLITERAL({a})",
            f"ISNUMERIC({a})", f"CONTAINS({a}, {b})",
        )  # fmt: skip

    def _order(self, operator: str) -> str:
        """Never of two booleans or two IRIs, which not all engines order alike."""
        bound = self._pick(*(literal for literal in LITERALS if literal not in ("true", "false")))
        return self._pick(
            f"({self._variable()} {operator} {bound})",
            f"({self._variable()} + 1 {operator} {self._variable()} * 2)",
            f"(STR({self._variable()}) {operator} STR({self._variable()}))",
        )

    # ── Selects ──────────────────────────────────────────────────────────────────────────────────────────────

    def _select(self, top: bool) -> str:
        where = self.group(2 if top else 0)
        if self.random.random() < (0.3 if top else 0.5):
            key = self._variable()
            counted, summed = self._new(), self._new()
            what = self._pick("COUNT(*)", f"COUNT({self._variable()})", f"COUNT(DISTINCT {self._variable()})")
            total = self._pick(f"SUM({self._variable()})", f"SUM(DISTINCT {self._variable()})", f"MIN(STR({self._variable()}))", f"MAX(STR({self._variable()}))", f"AVG({self._variable()})")
            having = f" HAVING ({what} > 1)" if self.random.random() < 0.3 else ""
            if top and self.random.random() < 0.2:
                return f"SELECT ({what} AS {counted}) ({total} AS {summed}) WHERE {where}"
            return f"SELECT {key} ({what} AS {counted}) ({total} AS {summed}) WHERE {where} GROUP BY {key}{having}"
        distinct = "DISTINCT " if self.random.random() < 0.3 else ""
        names = " ".join(self.random.sample(VARIABLES, self.random.randint(1, 4))) if self.random.random() < 0.8 else "*"
        return f"SELECT {distinct}{names} WHERE {where}"
