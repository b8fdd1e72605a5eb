"""`kg:search` compiled: the things with a label that contains the text, each once, with the score of its best label.

A text is found where it contains all words of what is sought (Chinese is not cut into words: any part of a name counts),
compared in the normal form of `kg.store.search_texts` and without accents. The score lies between 0 and 1:

    1          the label is what was sought
    0.8 – 0.9  it begins with it                    within each step, the more of the label
    0.6 – 0.7  a word of it begins with it          was sought, the higher
    0.4 – 0.5  it contains it
    0.2 – 0.3  it contains all the words, elsewhere or in another order

    Q701 the text is a variable without a value   Q702 … with too many   Q703 the graph file has no index
"""

from __future__ import annotations

from dataclasses import replace

from pyoxigraph import Literal, NamedNode

from kg.errors import Location, QueryError
from kg.sparql import algebra
from kg.sparql.active_graph import NoSolution, source
from kg.sparql.compiler import Compiler
from kg.sparql.relations import Environment, EveryNamedGraph, Relation
from kg.sparql.values import DOUBLE, ID, IRI_TAGS, PREDICATE_TAGS, SUBJECT_TAGS, TEXT_TAGS, Value
from kg.store import search_texts

# Words beyond these do not narrow a search.
_MOST_WORDS = 12
_LONGEST = 500
NO_LANGUAGE = "none"


def search(compiler: Compiler, node: algebra.Search, environment: Environment) -> Relation:
    """The solutions of a search whose text is known."""
    if isinstance(node.wanted, algebra.Var):
        raise _error(compiler, node, "Q701", f"?{node.wanted.name} has no value where kg:search needs a text",
                     "write the text, or bind it before by VALUES or BIND in the same group")  # fmt: skip
    properties = _properties(compiler, node)
    words = search_texts.normal(node.wanted.value[:_LONGEST]).split(" ") if isinstance(node.wanted, Literal) else []
    outputs = [each for each in (node.thing, node.score, node.text, node.property) if isinstance(each, algebra.Var)]
    names = [each.name for each in outputs if not each.is_anonymous]
    if isinstance(environment.graph, EveryNamedGraph):
        names.append(environment.graph.variable)
    try:
        if not any(words) or not properties:
            raise NoSolution
        hits = _hits(compiler, node, environment, words, properties)
        return _outputs(compiler, node, environment, hits)
    except NoSolution:
        return compiler.empty(dict.fromkeys(names))


def with_texts(compiler: Compiler, node: algebra.Search, environment: Environment, texts: list[Literal | None]) -> list[Relation]:
    """One search for each text that the variable `node.wanted` has elsewhere; each binds the variable."""
    found = []
    for text in texts:
        if isinstance(text, Literal):
            relation = search(compiler, replace(node, wanted=text), environment)
            if not relation.is_empty:
                constant, column = compiler.constant(text), compiler.column(node.wanted.name)
                columns = {**relation.columns, node.wanted.name: constant.named(column)}
                found.append(Relation(f"SELECT *, {constant.sql}::BIGINT AS {column} FROM ({relation.sql})", columns))
    return found


def too_many(compiler: Compiler, node: algebra.Search, most: int) -> QueryError:
    return _error(compiler, node, "Q702", f"?{node.wanted.name} has more than {most} values for kg:search", "search for fewer texts in a query")


def _error(compiler: Compiler, node: algebra.Search, code: str, message: str, help: str) -> QueryError:
    place = Location.in_text(compiler.text, *node.position) if compiler.text is not None and node.position is not None else None
    return QueryError(code, message, place, help=help)


def _properties(compiler: Compiler, node: algebra.Search) -> list[int]:
    """The ids of the properties to look at, as far as the graph knows them."""
    searched = compiler.store.search_properties
    if searched is None:
        raise _error(compiler, node, "Q703", "the graph file has no index for kg:search", "run kg build, which adds it")
    for each in node.properties:
        if each.value not in searched:
            raise _error(compiler, node, "Q704", f"{each} is not among the properties that are searched",
                         "add it to kg.toml: [search] properties, and run kg build")  # fmt: skip
    wanted = node.properties or [NamedNode(iri) for iri in searched]
    return [found for found in compiler.store.lookup_many(list(wanted)) if found is not None]


def _hits(compiler: Compiler, node: algebra.Search, environment: Environment, words: list[str], properties: list[int]) -> str:
    """A SELECT of s, best (score and -id of the text), p, and g where graphs are enumerated."""
    whole = f"strip_accents({compiler.parameter(' '.join(words))})"
    start = f"strip_accents({compiler.parameter(' ' + ' '.join(words))})"
    tests = [f"contains(x.norm, strip_accents({compiler.parameter(word)}))" for word in dict.fromkeys(words[:_MOST_WORDS])]
    if node.language is not None:
        tests.append(_in_language(compiler, node.language))
    step = f"CASE WHEN x.norm = {whole} THEN 0.9 WHEN starts_with(x.norm, {whole}) THEN 0.8 WHEN contains(x.norm, {start}) THEN 0.6 "
    step += f"WHEN contains(x.norm, {whole}) THEN 0.4 ELSE 0.2 END" if len(words) > 1 else "ELSE 0.4 END"
    score = f"round({step} + 0.1 * least(1.0, length({whole}) / length(x.norm)), 4)::DOUBLE"
    texts = f"(SELECT x.id, {score} AS score FROM search_texts AS x WHERE {' AND '.join(tests)})"
    table, conditions = source(compiler, environment, None, "q")
    graph = ", q.g" if isinstance(environment.graph, EveryNamedGraph) else ""
    where = [*conditions, f"q.p IN ({', '.join(map(str, properties))})"]
    if not isinstance(node.thing, algebra.Var):
        where.append(f"q.s = {compiler.constant(node.thing).sql}")
    return (
        f"SELECT q.s{graph}, max({{'score': h.score, 'text': -q.o, 'property': -q.p}}) AS best FROM {table} AS q JOIN {texts} AS h ON q.o = h.id "
        f"WHERE {' AND '.join(where)} GROUP BY q.s{graph}"
    )


def _in_language(compiler: Compiler, language: str) -> str:
    """A basic language range as langMatches reads it (RFC 4647); `none` for texts without a language."""
    wanted = language.lower()
    if wanted in ("", NO_LANGUAGE):
        return "x.language = ''"
    if wanted == "*":
        return "x.language <> ''"
    return f"(x.language = {compiler.parameter(wanted)} OR starts_with(x.language, {compiler.parameter(wanted + '-')}))"


def _outputs(compiler: Compiler, node: algebra.Search, environment: Environment, hits: str) -> Relation:
    """The hits as columns of the variables that the search binds; what is fixed there is compared."""
    alias = compiler.fresh("h")
    values = [
        (node.thing, Value(ID, f"{alias}.s", False, tags=SUBJECT_TAGS)),
        (node.score, Value(DOUBLE, f"{alias}.best.score", False)),
        (node.text, Value(ID, f"(-{alias}.best.text)", False, tags=TEXT_TAGS)),
        (node.property, Value(ID, f"(-{alias}.best.property)", False, tags=IRI_TAGS)),
    ]
    if isinstance(environment.graph, EveryNamedGraph):
        values.append((algebra.Var(environment.graph.variable), Value(ID, f"{alias}.g", False, tags=PREDICATE_TAGS)))
    columns: dict[str, Value] = {}
    selected, where = [], []
    for target, value in values:
        if isinstance(target, algebra.Var):
            if target.name in columns:  # one variable twice: a thing is no text, a score no property
                raise NoSolution
            column = compiler.column(target.name)
            columns[target.name] = value.named(column)
            selected.append(f"{value.sql} AS {column}")
        elif target is not None:
            where.append(_is(compiler, value, target))
    best, of = compiler.fresh("o"), compiler.fresh("o")
    selected += [f"{alias}.best.score AS {best}", f"{alias}.s AS {of}"]
    order = (f"{best} DESC", of)  # best first, as long as nothing is joined to them
    limit = "" if node.limit is None else f" ORDER BY {', '.join(order)} LIMIT {node.limit}"
    condition = f" WHERE {' AND '.join(where)}" if where else ""
    return Relation(f"SELECT {', '.join(selected)} FROM ({hits}) AS {alias}{condition}{limit}", columns, order, hidden=(best, of))


def _is(compiler: Compiler, value: Value, term: algebra.Term) -> str:
    if value.kind == ID:
        return f"{value.sql} = {compiler.constant(term).sql}"
    try:
        return f"{value.sql} = {float(term.value)!r}::DOUBLE"
    except (AttributeError, ValueError):
        raise NoSolution from None
