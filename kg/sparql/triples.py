"""Basic graph patterns (SPARQL 1.1, section 18.1.6): one table of the FROM clause for each triple pattern, joined on ids.

The order of the joins is left to DuckDB. Constants are resolved while compiling: a term that the store does not know,
or a predicate without a matching kind of object, makes the pattern empty before anything runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from pyoxigraph import BlankNode, NamedNode

from kg.sparql import algebra, paths
from kg.sparql.active_graph import NoSolution, named_graphs, source
from kg.sparql.compiler import Compiler
from kg.sparql.conversions import compatible
from kg.sparql.relations import DefaultGraph, Environment, EveryNamedGraph, NamedGraph, Relation, Table
from kg.sparql.values import ID, PREDICATE_TAGS, SUBJECT_TAGS, Value, tag_class
from kg.terms import TAG_BITS


@dataclass
class Conjunction:
    """The FROM and WHERE of one basic graph pattern while it is put together."""

    compiler: Compiler
    environment: Environment
    tables: list[str] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    columns: dict[str, Value] = field(default_factory=dict)
    named: list[str] = field(default_factory=list)

    def with_(self, name: str, sql: str) -> None:
        """Join a statement that others may refer to by its name."""
        self.named.append(f"{name} AS MATERIALIZED ({sql})")
        self.tables.append(name)

    def distinct(self, variable: str) -> str:
        """A SELECT of the values of a variable."""
        where = f" WHERE {' AND '.join(self.conditions)}" if self.conditions else ""
        tables = f" FROM {', '.join(self.tables)}" if self.tables else ""
        return f"SELECT DISTINCT {self.columns[variable].sql} AS n{tables}{where}"

    def bind(self, variable: str, value: Value) -> None:
        """Give a variable a column, or require that the column equals the one it has."""
        known = self.columns.get(variable)
        if known is None:
            self.columns[variable] = value
            return
        tags = known.tags & value.tags
        if not tags:
            raise NoSolution
        self.conditions.append(f"{known.sql} = {value.sql}")
        self.columns[variable] = replace(known, tags=tags, local=known.local and value.local, term=known.term or value.term)

    def place(self, node: algebra.Node | algebra.Var, sql: str, tags: frozenset[int]) -> None:
        """Meet one position of a triple: a constant is compared, a variable bound."""
        if isinstance(node, algebra.Var):
            self.bind(node.name, Value(ID, sql, False, tags=tags))
            return
        if isinstance(node, algebra.TripleTerm):
            raise self.compiler.not_supported("a triple term in a pattern")
        constant = self.compiler.constant(node)
        if constant.local or not constant.tags & tags:
            raise NoSolution
        self.conditions.append(f"{sql} = {constant.sql}")

    def substitute(self) -> None:
        """Inside some EXISTS: what the solution around binds is fixed here already (section 18.6)."""
        outer = self.environment.outer
        if outer is None or not self.environment.substitutes:
            return
        for name, column in self.columns.items():
            around = outer.variable(name)
            if around is not None:
                self.conditions.append(compatible(column, around, outer))

    def relation(self) -> Relation:
        self.compiler.count_tables(len(self.tables))
        names = {name: self.compiler.column(name) for name in self.columns}
        selected = ", ".join(f"{value.sql} AS {names[name]}" for name, value in self.columns.items()) or "1 AS unit"
        where = f" WHERE {' AND '.join(self.conditions)}" if self.conditions else ""
        columns = {name: replace(value, sql=names[name]) for name, value in self.columns.items()}
        tables = f" FROM {', '.join(self.tables)}" if self.tables else ""
        is_constant = not self.tables and not self.conditions and all(value.term is not None for value in self.columns.values())
        named = f"WITH {', '.join(self.named)} " if self.named else ""
        return Relation(f"{named}SELECT {selected}{tables}{where}", columns, is_constant=is_constant and bool(columns))


def basic_graph_pattern(
    compiler: Compiler, pattern: algebra.BGP, environment: Environment, candidates: Mapping[str, Seed] | None = None
) -> Relation:
    """The solutions of a basic graph pattern, path patterns included.

    `candidates` are the only values of which the ends of paths are asked for, by variable.
    """
    tables = [element for element in pattern.triples if isinstance(element, Table)]
    elements = [element for triple in pattern.triples if not isinstance(triple, Table) for element in paths.expanded(compiler, triple)]
    if not elements and not tables:
        return _unit(compiler, environment)
    triples = [element for element in elements if isinstance(element, algebra.TriplePattern)]
    routes = [element for element in elements if isinstance(element, algebra.PathPattern)]
    conjunction = Conjunction(compiler, environment)
    try:
        facts = _read_facts(conjunction, triples)
        for table in tables:
            _add_table(conjunction, table)
        for triple in triples:
            _add_triple(conjunction, triple, facts)
        _add_paths(conjunction, routes, Seeds(conjunction, [*tables, *triples], facts, candidates or {}))
    except NoSolution:
        return compiler.empty(_variables(pattern, environment))
    conjunction.substitute()
    return conjunction.relation()


def _variables(pattern: algebra.BGP, environment: Environment) -> list[str]:
    names: dict[str, None] = {}
    for triple in pattern.triples:
        if isinstance(triple, Table):
            names |= dict.fromkeys(column[0] for column in triple.columns)
            continue
        ends = (triple.subject, triple.object)
        for node in (*ends, triple.predicate) if isinstance(triple, algebra.TriplePattern) else ends:
            if isinstance(node, algebra.Var):
                names[node.name] = None
    if isinstance(environment.graph, EveryNamedGraph):
        names[environment.graph.variable] = None
    return list(names)


def _unit(compiler: Compiler, environment: Environment) -> Relation:
    """The empty pattern: one solution, for each graph where the graphs are enumerated."""
    if isinstance(environment.graph, EveryNamedGraph):
        return named_graphs(compiler, environment.graph.variable)
    if isinstance(environment.graph, NamedGraph) and not _exists(compiler, environment.graph.graph_id):
        return compiler.empty()
    return compiler.unit()


def _exists(compiler: Compiler, graph_id: int | None) -> bool:
    if graph_id is None:
        return False
    return any(graph["id"] == graph_id for graph in compiler.store.graphs())


# A subject with more matching triples than this is joined, not read while compiling.
_MOST_FACTS = 100


def _read_facts(conjunction: Conjunction, triples: list[algebra.TriplePattern]) -> dict[tuple[object, object], list[int]]:
    """The objects of patterns whose subject and predicate are constants: (subject, predicate) → ids.

    One scan a subject instead of a join a pattern; and what holds a single known value compiles to it.
    """
    compiler = conjunction.compiler
    if not compiler.reads_facts or not isinstance(conjunction.environment.graph, DefaultGraph):
        return {}
    wanted: dict[int, dict[int, tuple[object, object]]] = {}
    for triple in triples:
        if isinstance(triple.object, algebra.Var) and not isinstance(triple.predicate, algebra.Var) and isinstance(triple.subject, (NamedNode, BlankNode)):
            subject, predicate = compiler.lookup(triple.subject), compiler.lookup(triple.predicate)
            if subject is None or predicate is None:
                raise NoSolution
            wanted.setdefault(subject, {})[predicate] = (triple.subject, triple.predicate)
    facts: dict[tuple[object, object], list[int]] = {}
    for subject, predicates in wanted.items():
        table, conditions = source(compiler, conjunction.environment, None, "t")
        tests = [*conditions, f"t.s = {subject}", f"t.p IN ({', '.join(map(str, predicates))})"]
        rows = compiler.read(f"SELECT t.p, t.o FROM {table} AS t WHERE {' AND '.join(tests)} LIMIT {_MOST_FACTS + 1}")
        if len(rows) <= _MOST_FACTS:
            facts |= {key: [] for key in predicates.values()}
            for predicate, found in rows:
                facts[predicates[predicate]].append(found)
    return facts


def _add_triple(conjunction: Conjunction, triple: algebra.TriplePattern, facts: dict[tuple[object, object], list[int]]) -> None:
    compiler, environment = conjunction.compiler, conjunction.environment
    compiler.check()
    known = facts.get((triple.subject, triple.predicate)) if isinstance(triple.object, algebra.Var) else None
    if known is not None and len(known) <= 1:
        if not known:
            raise NoSolution
        conjunction.bind(triple.object.name, _known(compiler, known[0]))
        return
    alias = compiler.fresh("t")
    table, conditions = source(compiler, environment, triple, alias)
    conjunction.tables.append(f"{table} AS {alias}")
    conjunction.conditions += conditions
    predicate = None
    if not isinstance(triple.predicate, algebra.Var):
        predicate = compiler.lookup(triple.predicate)
    conjunction.place(triple.predicate, f"{alias}.p", PREDICATE_TAGS)
    tags = compiler.object_tags(triple, predicate)
    if not tags:
        raise NoSolution
    conjunction.place(triple.subject, f"{alias}.s", SUBJECT_TAGS)
    conjunction.place(triple.object, f"{alias}.o", tags)
    if isinstance(environment.graph, EveryNamedGraph):
        conjunction.bind(environment.graph.variable, Value(ID, f"{alias}.g", False, tags=PREDICATE_TAGS))


def _known(compiler: Compiler, term_id: int) -> Value:
    """A single value that was read while compiling."""
    if term_id < 0:
        return compiler.constant(next(term for term, local in compiler.local_terms.items() if local == term_id))
    term = compiler.store.decode([term_id])[term_id]
    return Value(ID, str(term_id), False, tags=frozenset({tag_class(term_id >> TAG_BITS)}), term=term)


def _add_table(conjunction: Conjunction, table: Table) -> None:
    alias = conjunction.compiler.fresh("t")
    conjunction.tables.append(f"{table.name} AS {alias}")
    for variable, column, tags, is_local in table.columns:
        conjunction.bind(variable, Value(ID, f"{alias}.{column}", False, tags=tags, local=is_local))


_ROWS_OF_TABLES = 1000  # about

# ── Paths ────────────────────────────────────────────────────────────────────────────────────────────────────


# A path is followed while compiling from so many starts, at most, which so many triple patterns give.
_MOST_STARTS, _QUICK_JOIN = 50, 2


@dataclass(frozen=True)
class Seed:
    """Candidates for an end of a path, how many there are about, and a SELECT that gives them at once, if that is quick."""

    size: float
    candidates: paths.Candidates
    read: str | None = None


@dataclass
class Seeds:
    """What is known of the ends of paths: candidates that triple patterns bind, that paths led to, or that stand outside of the pattern.

    `given` are those from outside.
    """

    conjunction: Conjunction
    elements: list[Table | algebra.TriplePattern]
    facts: dict[tuple[object, object], list[int]]
    given: Mapping[str, Seed]
    led: dict[str, paths.Candidates] = field(default_factory=dict)

    def of(self, route: algebra.PathPattern) -> Seed | None:
        """The fewest candidates for an end of a path, as it seems; None where its ends may be anything."""
        if isinstance(self.conjunction.environment.graph, EveryNamedGraph):
            return None
        ends = [(end, node) for end, node in (("s", route.subject), ("o", route.object)) if isinstance(node, algebra.Var)]
        found = [replace(seed, candidates=replace(seed.candidates, end=end)) for end, node in ends for seed in self._of(node)]
        return min(found, key=lambda seed: seed.size, default=None)

    def _of(self, variable: algebra.Var) -> Iterator[Seed]:
        if variable.name in self.given:
            yield self.given[variable.name]
        if variable.name in self.led:
            yield Seed(_ROWS_OF_TABLES, self.led[variable.name])
        around = self._around(variable)
        if around:
            binding = Conjunction(self.conjunction.compiler, self.conjunction.environment)
            for element in around:
                if isinstance(element, Table):
                    _add_table(binding, element)
                else:
                    _add_triple(binding, element, self.facts)
            # A predicate, or a value of a table, need not be a node.
            are_nodes = any(isinstance(each, algebra.TriplePattern) and variable in (each.subject, each.object) for each in around)
            size, sql = min(map(self._size, around)), binding.distinct(variable.name)
            is_quick = len(around) <= _QUICK_JOIN and size <= _MOST_STARTS
            yield Seed(size, paths.Candidates("s", sql, are_nodes), sql if is_quick else None)

    def _around(self, variable: algebra.Var) -> list[Table | algebra.TriplePattern]:
        """What is joined, directly or not, with a variable."""
        names, found = {variable.name}, []
        while more := [element for element in self.elements if not any(element is each for each in found) and names & _variables_of(element)]:
            found += more
            names |= {name for element in more for name in _variables_of(element)}
        return found

    def _size(self, triple: Table | algebra.TriplePattern) -> float:
        """About how many rows match."""
        if isinstance(triple, Table):
            return _ROWS_OF_TABLES
        known = None if isinstance(triple.predicate, algebra.Var) else self.conjunction.compiler.statistics(triple)
        found = known and known.get(self.conjunction.compiler.lookup(triple.predicate))
        if not found:
            return float("inf")
        if not isinstance(triple.subject, algebra.Var):
            return found.triples / max(1, found.subjects)
        return found.triples / max(1, found.objects) if not isinstance(triple.object, algebra.Var) else found.triples


def _variables_of(element: Table | algebra.TriplePattern) -> set[str]:
    if isinstance(element, Table):
        return {column[0] for column in element.columns}
    return {node.name for node in (element.subject, element.predicate, element.object) if isinstance(node, algebra.Var)}


def _add_paths(conjunction: Conjunction, routes: list[algebra.PathPattern], seeds: Seeds) -> None:
    """All paths, those first that can start from something known: they may lead to where others start."""
    waiting = list(routes)
    while waiting:
        known = (route for route in waiting if _constants(conjunction, route) != (None, None) or seeds.of(route) is not None)
        route = next(known, waiting[0])
        waiting.remove(route)
        _add_path(conjunction, route, seeds, bool(waiting))


def _constants(conjunction: Conjunction, route: algebra.PathPattern) -> tuple[Value | None, Value | None]:
    """The ends that are constants, or variables with one known value."""
    ends = []
    for node in (route.subject, route.object):
        if isinstance(node, algebra.TripleTerm):
            raise conjunction.compiler.not_supported("a triple term at the end of a path")
        if isinstance(node, algebra.Var):
            known = conjunction.columns.get(node.name)
            ends.append(known if known is not None and known.term is not None else None)
        else:
            ends.append(conjunction.compiler.constant(node))
    return ends[0], ends[1]


def _add_path(conjunction: Conjunction, route: algebra.PathPattern, seeds: Seeds, others: bool) -> None:
    """`others`: whether there are paths still to be added, which may start from where this one leads."""
    compiler, environment = conjunction.compiler, conjunction.environment
    compiler.check()
    subject, object_ = _constants(conjunction, route)
    found = None if subject is not None or object_ is not None else seeds.of(route)
    read = _read_path(conjunction, route, subject, object_, found)
    if read is not None:
        _add_read(conjunction, route, read)
        return
    candidates = found and found.candidates
    name = compiler.fresh("t")
    sql = paths.pairs(compiler, environment, route.path, paths.Ends(subject, object_, candidates))
    may_lead = others and paths.is_repeated(route.path) and (subject is not None or object_ is not None or candidates is not None)
    if may_lead:
        conjunction.with_(name, sql)
    else:
        conjunction.tables.append(f"({sql}) AS {name}")
    # A path of length zero ends where it starts, be that a term that the store lacks.
    bound = (conjunction.columns.get(node.name) for node in (route.subject, route.object) if isinstance(node, algebra.Var))
    local = any(end is not None and end.local for end in (subject, object_, *bound))
    for node, constant, column in ((route.subject, subject, "s"), (route.object, object_, "o")):
        if constant is not None:
            conjunction.conditions.append(f"{name}.{column} = {constant.sql}")
        else:
            conjunction.bind(node.name, Value(ID, f"{name}.{column}", False, tags=paths.node_tags(compiler), local=local))
            if may_lead:
                are_nodes = candidates is not None and candidates.are_nodes
                seeds.led.setdefault(node.name, paths.Candidates("s", f"SELECT DISTINCT {column} FROM {name}", are_nodes))
    if isinstance(environment.graph, EveryNamedGraph):
        conjunction.bind(environment.graph.variable, Value(ID, f"{name}.g", False, tags=PREDICATE_TAGS))


def _read_path(
    conjunction: Conjunction, route: algebra.PathPattern, subject: Value | None, object_: Value | None, found: Seed | None
) -> list[tuple[int, int]] | None:
    """The pairs of a path that starts from a constant, or from a few nodes, read while compiling; None where it is joined."""
    compiler = conjunction.compiler
    constant = subject or object_
    if not compiler.reads_facts or not paths.is_repeated(route.path) or (constant is None and (found is None or found.read is None)):
        return None
    if constant is not None:
        starts, is_forward, are_nodes = compiler.ids([constant.term]), subject is not None, True
    else:
        rows = compiler.read(f"{found.read} LIMIT {_MOST_STARTS + 1}")
        starts, is_forward, are_nodes = [node for (node,) in rows], found.candidates.end == "s", found.candidates.are_nodes
    if not starts:
        raise NoSolution
    if len(starts) > _MOST_STARTS:
        return None
    path = route.path if is_forward else algebra.Inverse(route.path)
    read = paths.reached(compiler, conjunction.environment, path, starts, are_nodes)
    return read if read is None or is_forward else [(far, near) for near, far in read]


def _add_read(conjunction: Conjunction, route: algebra.PathPattern, read: list[tuple[int, int]]) -> None:
    """The pairs of a path that were read while compiling, as a table; a column with one value is a constant."""
    compiler = conjunction.compiler
    if not read:
        raise NoSolution
    alias = compiler.fresh("t")
    conjunction.tables.append(f"(VALUES {', '.join(f'({near}::BIGINT, {far}::BIGINT)' for near, far in read)}) AS {alias}(s, o)")
    for place, (node, column) in enumerate(((route.subject, "s"), (route.object, "o"))):
        ids = {pair[place] for pair in read}
        if not isinstance(node, algebra.Var):
            conjunction.conditions.append(f"{alias}.{column} = {compiler.constant(node).sql}")
            continue
        if len(ids) == 1:
            conjunction.conditions.append(f"{alias}.{column} = {min(ids)}")
        tags = frozenset(tag_class(abs(term_id) >> TAG_BITS) for term_id in ids)
        local = any(term_id < 0 for term_id in ids)
        value = _known(compiler, min(ids)) if len(ids) == 1 else Value(ID, f"{alias}.{column}", False, tags=tags, local=local)
        conjunction.bind(node.name, value)
