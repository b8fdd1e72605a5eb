"""Writes algebra back as SPARQL, one group per operator, so that an independent engine can say whether it means the same."""

from __future__ import annotations

from kg.sparql import algebra as alg

_PREFIX_OPERATORS = {"u-": "-", "u+": "+", "!": "!"}
NOTHING = "nothing"  # selected where a query selects no variable, which only * can say
_LETTERS = str.maketrans({":": "_", ".": "_", "-": "_"})


def query_text(query: alg.Query) -> str:
    """A SELECT, ASK or CONSTRUCT with the same answers."""
    dataset = "".join(f"FROM {iri} " for iri in query.dataset.default)
    dataset += "".join(f"FROM NAMED {iri} " for iri in query.dataset.named)
    if isinstance(query, alg.Ask):
        return f"ASK {dataset}{{ {_group(query.pattern)} }}"
    if isinstance(query, alg.Construct):
        # The modifiers belong to a sub-select here, whose rows are all that the template sees.
        template = " ".join(
            f"{_template_node(triple.subject)} {_template_node(triple.predicate)} {_template_node(triple.object)} ."
            for triple in query.template
        )
        return f"CONSTRUCT {{ {template} }} {dataset}WHERE {{ {_group(query.pattern)} }}"
    head, tail = _select(query.pattern)
    return f"{head} {dataset}{tail}"


def _template_node(node: alg.Node) -> str:
    is_blank = isinstance(node, alg.Var) and node.is_anonymous
    return f"_:b{node.name[3:]}" if is_blank else _node(node)


def update_text(update: alg.Update) -> str:
    """A request with the same effect."""
    return " ;\n".join(map(_operation, update.operations))


def _operation(operation: alg.Operation) -> str:
    match operation:
        case alg.InsertData(quads):
            return f"INSERT DATA {{ {_quads(quads)} }}"
        case alg.DeleteData(quads):
            return f"DELETE DATA {{ {_quads(quads)} }}"
        case alg.Modify(delete, insert, pattern, with_graph, using):
            start = f"WITH {with_graph} " if with_graph is not None else ""
            dataset = "".join(f"USING {iri} " for iri in using.default)
            dataset += "".join(f"USING NAMED {iri} " for iri in using.named)
            templates = f"DELETE {{ {_quads(delete)} }} INSERT {{ {_quads(insert)} }}"
            return f"{start}{templates} {dataset}WHERE {{ {_group(pattern)} }}"
        case alg.Load(source, into, silent):
            return f"LOAD {'SILENT ' if silent else ''}{source}{'' if into is None else f' INTO GRAPH {into}'}"
        case alg.GraphOperation(name, target, into, silent):
            to = "" if into is None else f" TO {_target(into)}"
            return f"{name} {'SILENT ' if silent else ''}{_target(target)}{to}"


def _target(target: alg.GraphTarget) -> str:
    return f"GRAPH {target.iri}" if target.kind == "GRAPH" else target.kind


def _quads(quads: tuple[alg.QuadPattern, ...]) -> str:
    return " ".join(
        _quad(quad, " ".join(map(_template_node, (quad.subject, quad.predicate, quad.object)))) for quad in quads
    )


def _quad(quad: alg.QuadPattern, triple: str) -> str:
    return f"{triple} ." if quad.graph is None else f"GRAPH {_node(quad.graph)} {{ {triple} }}"


def _select(pattern: alg.Pattern) -> tuple[str, str]:
    """What stands before and after the dataset clauses; modifiers may be missing at any place, but have one order."""
    tail = ""
    if isinstance(pattern, alg.Slice):
        limit = "" if pattern.limit is None else f" LIMIT {pattern.limit}"
        tail, pattern = f" OFFSET {pattern.offset}{limit}", pattern.pattern
    word = {alg.Distinct: "DISTINCT ", alg.Reduced: "REDUCED "}.get(type(pattern), "")
    projection = pattern.pattern if word else pattern
    pattern = projection.pattern
    if isinstance(pattern, alg.OrderBy):
        orders = [f"{'DESC' if descends else 'ASC'}({_expression(key)})" for key, descends in pattern.conditions]
        tail, pattern = f" ORDER BY {' '.join(orders)}{tail}", pattern.pattern
    names = " ".join(map(_node, projection.variables)) or f"(1 AS ?{NOTHING})"
    return f"SELECT {word}{names}", f"WHERE {{ {_group(pattern)} }}{tail}"


def _group(pattern: alg.Pattern) -> str:
    match pattern:
        case alg.BGP(triples):
            return " ".join(_triple(triple) for triple in triples)
        case alg.Join(left, right):
            return f"{{ {_group(left)} }} {{ {_group(right)} }}"
        case alg.LeftJoin(left, right, condition):
            test = "" if condition is None else f"FILTER({_expression(condition)})"
            return f"{{ {_group(left)} }} OPTIONAL {{ {{ {_group(right)} }} {test} }}"
        case alg.Filter(condition, inner):
            return f"{{ {_group(inner)} }} FILTER({_expression(condition)})"
        case alg.Union(left, right):
            return f"{{ {_group(left)} }} UNION {{ {_group(right)} }}"
        case alg.Minus(left, right):
            return f"{{ {_group(left)} }} MINUS {{ {_group(right)} }}"
        case alg.Graph(name, inner):
            return f"GRAPH {_node(name)} {{ {_group(inner)} }}"
        case alg.Extend(inner, variable, value):
            return f"{{ {_group(inner)} }} BIND({_expression(value)} AS {_node(variable)})"
        case alg.Values(variables, rows):
            lines = (" ".join("UNDEF" if term is None else _node(term) for term in row) for row in rows)
            return f"VALUES ({' '.join(map(_node, variables))}) {{ {' '.join(f'({line})' for line in lines)} }}"
        case alg.Group(inner, keys, aggregates):
            by = " ".join(
                _node(key) if value is None else f"({_expression(value)} AS {_node(key)})" for key, value in keys
            )
            selected = [_node(key) for key, _ in keys]
            selected += [f"({_aggregate(aggregate)} AS {_node(variable)})" for variable, aggregate in aggregates]
            return f"{{ SELECT {' '.join(selected)} WHERE {{ {_group(inner)} }} {'GROUP BY ' + by if by else ''} }}"
        case _:
            return f"{{ {' '.join(_select(pattern))} }}"


def _triple(triple: alg.TriplePattern | alg.PathPattern) -> str:
    verb = _path(triple.path) if isinstance(triple, alg.PathPattern) else _node(triple.predicate)
    return f"{_node(triple.subject)} {verb} {_node(triple.object)} ."


def _node(node: alg.Node) -> str:
    if isinstance(node, alg.Var):
        return f"?{node.name.translate(_LETTERS)}"
    return str(node)


def _path(path: alg.Path) -> str:
    match path:
        case alg.Link(iri):
            return str(iri)
        case alg.Inverse(inner):
            return f"^({_path(inner)})"
        case alg.Sequence(left, right):
            return f"({_path(left)}/{_path(right)})"
        case alg.Alternative(left, right):
            return f"({_path(left)}|{_path(right)})"
        case alg.ZeroOrMore(inner):
            return f"({_path(inner)})*"
        case alg.OneOrMore(inner):
            return f"({_path(inner)})+"
        case alg.ZeroOrOne(inner):
            return f"({_path(inner)})?"
        case alg.NegatedSet(forward, inverse):
            return f"!({'|'.join([str(iri) for iri in forward] + [f'^{iri}' for iri in inverse])})"


def _expression(item: alg.Expression) -> str:
    match item:
        case alg.Call(name, args) if name in _PREFIX_OPERATORS:
            return f"({_PREFIX_OPERATORS[name]}({_expression(args[0])}))"
        case alg.Call("IN" | "NOT IN" as name, args):
            return f"({_expression(args[0])} {name} ({', '.join(map(_expression, args[1:]))}))"
        case alg.Call("IRI", args):  # the base is the query's
            return f"IRI({_expression(args[0])})"
        case alg.Call(name, args) if not name.replace("_", "").isalnum():
            return f"({_expression(args[0])} {name} {_expression(args[1])})"
        case alg.Call(name, args):
            return f"{name}({', '.join(map(_expression, args))})"
        case alg.FunctionCall(iri, args):
            return f"{iri}({', '.join(map(_expression, args))})"
        case alg.Exists(inner, negated):
            return f"({'NOT ' if negated else ''}EXISTS {{ {_group(inner)} }})"
        case _:
            return _node(item)


def _aggregate(item: alg.Aggregate) -> str:
    argument = "*" if item.argument is None else _expression(item.argument)
    separator = "" if item.separator is None else f"; SEPARATOR={alg.Literal(item.separator)}"
    return f"{item.name}({'DISTINCT ' if item.distinct else ''}{argument}{separator})"
