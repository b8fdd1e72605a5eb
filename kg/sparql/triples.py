"""Basic graph patterns (SPARQL 1.1, section 18.1.6): one table of the FROM clause for each triple pattern, joined on ids.

The order of the joins is left to DuckDB. Constants are resolved while compiling: a term that the store does not know,
or a predicate without a matching kind of object, makes the pattern empty before anything runs.
"""

from __future__ import annotations

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
        return Relation(f"SELECT {selected}{tables}{where}", columns, is_constant=is_constant and bool(columns))


def basic_graph_pattern(compiler: Compiler, pattern: algebra.BGP, environment: Environment) -> Relation:
    """The solutions of a basic graph pattern, path patterns included."""
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
        joined = Seeds.of(conjunction, triples)
        for route in routes:
            _add_path(conjunction, route, joined)
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
        ((term_id, term),) = compiler.store.decode(known).items()
        conjunction.bind(triple.object.name, Value(ID, str(term_id), False, tags=frozenset({tag_class(term_id >> TAG_BITS)}), term=term))
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


def _add_table(conjunction: Conjunction, table: Table) -> None:
    alias = conjunction.compiler.fresh("t")
    conjunction.tables.append(f"{table.name} AS {alias}")
    for variable, column, tags, is_local in table.columns:
        conjunction.bind(variable, Value(ID, f"{alias}.{column}", False, tags=tags, local=is_local))


@dataclass(frozen=True)
class Seeds:
    """What the triple patterns of a basic graph pattern bind, before its paths are added."""

    columns: dict[str, Value]
    tables: tuple[str, ...]
    conditions: tuple[str, ...]

    @classmethod
    def of(cls, conjunction: Conjunction, triples: list[algebra.TriplePattern]) -> Seeds:
        """Variables bound as predicates alone are left out: a predicate need not be a node, which a path's ends are."""
        is_enumerated = isinstance(conjunction.environment.graph, EveryNamedGraph)
        nodes = {node for triple in triples for node in (triple.subject, triple.object)}
        predicates = {triple.predicate.name for triple in triples if isinstance(triple.predicate, algebra.Var) and triple.predicate not in nodes}
        columns = {} if is_enumerated else {name: value for name, value in conjunction.columns.items() if name not in predicates}
        return cls(columns, tuple(conjunction.tables), tuple(conjunction.conditions))

    def ends(self, route: algebra.PathPattern) -> tuple[str, str] | None:
        """(which end of a path, SQL of its candidates), where the triples bind one."""
        for end, node in (("s", route.subject), ("o", route.object)):
            if isinstance(node, algebra.Var) and node.name in self.columns:
                where = f" WHERE {' AND '.join(self.conditions)}" if self.conditions else ""
                tables = f" FROM {', '.join(self.tables)}" if self.tables else ""
                return end, f"SELECT DISTINCT {self.columns[node.name].sql} AS n{tables}{where}"
        return None


def _add_path(conjunction: Conjunction, route: algebra.PathPattern, joined: Seeds) -> None:
    compiler, environment = conjunction.compiler, conjunction.environment
    alias = compiler.fresh("t")
    ends = []
    for node in (route.subject, route.object):
        if isinstance(node, algebra.TripleTerm):
            raise compiler.not_supported("a triple term at the end of a path")
        ends.append(None if isinstance(node, algebra.Var) else compiler.constant(node))
    seeds = None if ends[0] is not None or ends[1] is not None else joined.ends(route)
    sql = paths.pairs(compiler, environment, route.path, paths.Ends(ends[0], ends[1], seeds))
    conjunction.tables.append(f"({sql}) AS {alias}")
    tags = paths.node_tags(compiler)
    # A path of length zero ends where it starts, be that a term that the store lacks.
    seed = conjunction.columns[(route.subject if seeds[0] == "s" else route.object).name] if seeds else None
    for node, constant, column in ((route.subject, ends[0], "s"), (route.object, ends[1], "o")):
        if constant is not None:
            conjunction.conditions.append(f"{alias}.{column} = {constant.sql}")
        else:
            local = any(end is not None and end.local for end in (*ends, seed))
            conjunction.bind(node.name, Value(ID, f"{alias}.{column}", False, tags=tags, local=local))
    if isinstance(environment.graph, EveryNamedGraph):
        conjunction.bind(environment.graph.variable, Value(ID, f"{alias}.g", False, tags=PREDICATE_TAGS))

