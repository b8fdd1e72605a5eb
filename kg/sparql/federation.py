"""SERVICE (SPARQL 1.1 Federated Query): an endpoint is asked while the query is compiled, its answer is a relation of ids.

What is joined with a SERVICE is looked at first: where it has few solutions, their values are sent along in batches of
VALUES (a bound join), so that the endpoint does not have to send everything. An endpoint that is a variable is asked for
each value that the variable has there (section 4). Terms that the store lacks get ids of the query's own.

    Q602 the endpoint is a variable without a value   Q603 the endpoint is no IRI     (others: `services.py`)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pyoxigraph import BlankNode, NamedNode, Triple

from kg.errors import KgError, Location, QueryError, RemoteError
from kg.sparql import algebra
from kg.sparql.algebra import Var
from kg.sparql.compiler import Compiler, used_parameters
from kg.sparql.deadline import deadline
from kg.sparql.decode import Row, decoded
from kg.sparql.local_terms import prelude
from kg.sparql.relations import Environment, Relation
from kg.sparql.services import RemoteRows, Services
from kg.sparql.strings import register_python_functions
from kg.sparql.values import ID, Term, Value, tag_class
from kg.terms import TAG_BITS

# More distinct solutions than this on the other side of the join: the endpoint is asked for all it has.
_MOST_BOUND = 2000
_BATCH = 200


def service(compiler: Compiler, node: algebra.Service, environment: Environment, beside: Relation | None = None) -> Relation:
    """The solutions of a SERVICE; at least those that are compatible with a solution of `beside`, where that is given."""
    compiler.asks_others = True
    reader = Reader(compiler, environment, beside)
    try:
        answer = _each_endpoint(compiler, node, reader) if isinstance(node.endpoint, Var) else _solutions(compiler, node, node.endpoint, reader.bindings(node))
    except (QueryError, RemoteError) as error:
        raise _at(compiler, node, error) from None
    return compiler.unit() if answer is None else relation_of(compiler, answer)


def _at(compiler: Compiler, node: algebra.Service, error: KgError) -> KgError:
    """The error with the place of the SERVICE in the query."""
    if compiler.text is not None and node.position is not None and error.location is None:
        error.location = Location.in_text(compiler.text, *node.position)
    return error


# ── Asking ───────────────────────────────────────────────────────────────────────────────────────────────────


def _solutions(compiler: Compiler, node: algebra.Service, endpoint: Term, bindings: RemoteRows | None) -> RemoteRows | None:
    """What an endpoint answers, one call for each batch of `bindings`; None for the one solution of a SILENT that failed (section 3)."""
    services = compiler.services or Services()
    names = tuple(variable.name for variable in node.variables)
    rows: list[Row] = []
    try:
        if not isinstance(endpoint, NamedNode):
            raise QueryError("Q603", f"SERVICE needs the IRI of an endpoint, and not {endpoint}")
        services.check(endpoint.value)
        for batch in [None] if bindings is None else _batches(bindings):
            answer = services.ask(endpoint.value, request(node, batch, compiler.base))
            places = [answer.variables.index(name) if name in answer.variables else None for name in names]
            rows += [tuple([None if place is None else row[place] for place in places]) for row in answer.rows]
    except (QueryError, RemoteError) as error:
        if node.silent and (isinstance(error, RemoteError) or error.code in ("Q601", "Q603")):
            return None
        raise
    return RemoteRows(names, rows)


def _batches(bindings: RemoteRows) -> list[RemoteRows]:
    starts = range(0, len(bindings.rows), _BATCH)
    return [RemoteRows(bindings.variables, bindings.rows[start : start + _BATCH]) for start in starts]


def request(node: algebra.Service, bindings: RemoteRows | None = None, base: str | None = None) -> str:
    """The query that is sent: the group as written, joined with the values that its variables may have."""
    lines = [f"BASE <{base}>"] if base else []
    lines += [f"PREFIX {name}: <{iri}>" for name, iri in node.prefixes if f"{name}:" in node.text]
    selected = " ".join(f"?{variable.name}" for variable in node.variables) or "(1 AS ?solution)"
    values = _values([name for name, _ in node.bindings], [tuple(term for _, term in node.bindings)]) if node.bindings else ""
    if bindings is not None:
        values += _values(bindings.variables, bindings.rows)
    return "\n".join([*lines, f"SELECT {selected} WHERE {{ {values}{node.text} }}"])


def _values(names: Sequence[str], rows: Iterable[Row]) -> str:
    body = " ".join(f"({' '.join(map(str, row))})" for row in rows)
    return f"VALUES ({' '.join(f'?{name}' for name in names)}) {{ {body} }} "


def _each_endpoint(compiler: Compiler, node: algebra.Service, reader: Reader) -> RemoteRows:
    """An endpoint that the other side of the join binds: asked once for each of its values, which is part of the solutions."""
    name = node.endpoint.name
    others = [variable.name for variable in node.variables if variable.name != name]
    endpoints = reader.values(name)
    if endpoints is None or None in endpoints:
        raise QueryError("Q602", f"?{name} has no value where SERVICE needs an endpoint", help=f"bind ?{name} by a pattern or VALUES in the same group")
    rows: list[Row] = []
    for endpoint in endpoints:
        here = replace(node, bindings=(*node.bindings, (name, endpoint)) if name in node.variables else node.bindings, variables=tuple(map(Var, others)))
        answer = _solutions(compiler, here, endpoint, reader.bindings(here, (name, endpoint)))
        rows += [(endpoint, *row) for row in ([(None,) * len(others)] if answer is None else answer.rows)]
    return RemoteRows((name, *others), rows)


# ── The other side of the join ───────────────────────────────────────────────────────────────────────────────


@dataclass
class Reader:
    """Solutions of the relation that a SERVICE is joined with, read while compiling."""

    compiler: Compiler
    environment: Environment
    beside: Relation | None

    def bindings(self, node: algebra.Service, endpoint: tuple[str, Term] | None = None) -> RemoteRows | None:
        """The distinct values of the variables that both sides bind; None where they are too many, or none can be sent.

        Only variables with a value in all solutions: of a solution that leaves one open, an endpoint would send its own twice.
        Blank nodes mean nothing elsewhere. Values of this very moment (RAND) differ when they are computed again.
        """
        if self.beside is None or self.compiler.services is None or self.compiler.volatile or self.environment.outer is not None:
            return None
        shared = [variable.name for variable in node.variables if variable.name in self.beside.columns]
        if not shared:
            return None
        rows = self._read([*shared, endpoint[0]] if endpoint else shared, _MOST_BOUND + 1)
        if len(rows) > _MOST_BOUND:
            return None
        if endpoint:
            rows = [row[:-1] for row in rows if row[-1] == endpoint[1]]
        sent = [place for place in range(len(shared)) if all(_can_be_sent(row[place]) for row in rows)]
        if not sent:
            return None
        return RemoteRows(tuple(shared[place] for place in sent), list(dict.fromkeys(tuple(row[place] for place in sent) for row in rows)))

    def values(self, name: str, most: int | None = None) -> list[Term | None] | None:
        """The distinct values of a variable; None where the relation does not have it."""
        if self.beside is None or name not in self.beside.columns or self.environment.outer is not None:
            return None
        return [row[0] for row in self._read([name], most)]

    def _read(self, names: Sequence[str], limit: int | None = None) -> list[Row]:
        compiler, columns = self.compiler, [self.beside.columns[name] for name in names]
        selected = ", ".join(column.sql for column in columns)
        sql = f"{prelude(compiler)}SELECT DISTINCT {selected} FROM ({self.beside.sql}) AS {compiler.fresh('r')}{f' LIMIT {limit}' if limit else ''}"
        found = self._rows(sql, used_parameters(compiler.parameters, sql) or None)
        local_terms = {term_id: term for term, term_id in compiler.local_terms.items()}
        return decoded(found, columns, compiler.store, local_terms) if found else []


    def _rows(self, sql: str, parameters: dict[str, object] | None) -> list[tuple]:
        """In an update on its own connection, which sees what it has written and has its time limit already."""
        store, services = self.compiler.store, self.compiler.services or Services()
        if store.is_in_transaction:
            register_python_functions(store.connection, sql)
            return store.connection.execute(sql, parameters).fetchall()
        cursor = store.cursor()
        try:
            with deadline(cursor, services.remaining(), stop=services.stop):
                register_python_functions(cursor, sql)
                return cursor.execute(sql, parameters).fetchall()
        finally:
            cursor.close()


def _can_be_sent(term: Term | None) -> bool:
    return term is not None and not isinstance(term, (BlankNode, Triple))


# ── The answer ───────────────────────────────────────────────────────────────────────────────────────────────


def relation_of(compiler: Compiler, answer: RemoteRows) -> Relation:
    """Rows of terms as a relation."""
    if not answer.rows:
        return compiler.empty(answer.variables)
    if not answer.variables:
        return compiler.unit() if len(answer.rows) == 1 else Relation(f"SELECT 1 AS unit FROM range({len(answer.rows)})", {})
    return table_of(compiler, answer.variables, answer.rows)


def table_of(compiler: Compiler, names: Sequence[str], rows: Sequence[Row]) -> Relation:
    """Many rows of terms as a relation: a list of ids for each variable, bound as a parameter."""
    distinct = list({term: None for row in rows for term in row if term is not None})
    ids = dict(zip(distinct, compiler.ids(distinct), strict=True))
    columns, selected = {}, []
    for name, terms in zip(names, zip(*rows, strict=True), strict=True):
        compiler.check()
        values = [None if term is None else ids[term] for term in terms]
        known = {value for value in values if value is not None}
        column = compiler.column(name)
        tags = frozenset(tag_class(abs(value) >> TAG_BITS) for value in known)
        columns[name] = Value(ID, column, None in values, tags=tags, local=any(value < 0 for value in known))
        selected.append(f"unnest({compiler.array(values)}::BIGINT[]) AS {column}")
    return Relation(f"SELECT {', '.join(selected)}", columns)
