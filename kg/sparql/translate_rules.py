"""SPARQL-RL rule sets (W3C Working Draft, August 2026): RULE, DATA, IMPORTS; and sub-selects in bodies, our extension."""

from __future__ import annotations

from lark import Token, Tree

from kg.sparql.algebra import (
    BodyElement,
    FilterElement,
    Node,
    Not,
    Path,
    PathPattern,
    Pattern,
    RuleSetText,
    RuleText,
    SetElement,
    SubSelectElement,
    TriplePattern,
)
from kg.sparql.header import pairs_above
from kg.sparql.source_text import position
from kg.sparql.translate_groups import is_token
from kg.sparql.translate_queries import QueryTranslator
from kg.sparql.translate_terms import PATTERN, Place

_BODY = Place("a rule body", paths=True)


class RuleTranslator(QueryTranslator):
    """Inside a sub-select all of SPARQL 1.1 stands; outside it, what the draft's grammar has."""

    def ruleset(self, tree: Tree) -> RuleSetText:
        """The rule set of a whole file. Blank node labels of DATA are one scope, those of each rule another."""
        rules: list[RuleText] = []
        data: list[TriplePattern] = []
        imports = []
        data_place = Place("a DATA block", variables=False, labels={})
        self._lines = self.source.text.split("\n")
        for item in tree.children:
            if item.data == "rule":
                rules.append(self._rule(item))
            elif item.data == "data":
                data += self._triples(data_place, item.children[1:])
            elif item.data == "imports":
                imports.append(self.iri(item.children[0]))
            else:
                self.declaration(item)
        return RuleSetText(tuple(rules), tuple(data), tuple(imports), tuple(self.prefixes.items()))

    def _rule(self, tree: Tree) -> RuleText:
        keyword, *parts = tree.children
        iri = self.iri(parts.pop(0)) if isinstance(parts[0], Token) else None
        head = self._triples(Place("a rule head", labels={}), parts[0].children)
        self.forget_labels()
        body = self._body(parts[-1])
        annotations = self._annotations(keyword)
        says = tuple(
            (key.partition("@")[2], value) for key, value in annotations if key == "says" or key.startswith("says@")
        )
        return RuleText(
            iri,
            tuple(head),
            body,
            data_only=is_token(parts[1], "DATA"),
            says=says,
            annotations=annotations,
            position=(keyword.line, keyword.column),
        )

    def _annotations(self, keyword: Token) -> tuple[tuple[str, str], ...]:
        """The `#+` lines directly above, for the rule that begins its line."""
        begins_line = not self._lines[keyword.line - 1][: keyword.column - 1].strip()
        return tuple(pairs_above(self._lines, keyword.line)) if begins_line else ()

    def _triples(self, place: Place, blocks: list[Tree]) -> list[TriplePattern]:
        self.place = place
        triples: list[TriplePattern] = []
        for block in blocks:
            self.triples_block(block, triples)
        self.place = PATTERN
        return triples

    # ── Bodies ──────────────────────────────────────────────────────────────────────────────────────────────

    def _body(self, tree: Tree) -> tuple[BodyElement, ...]:
        outer, self.place = self.place, _BODY
        elements: list[BodyElement] = []
        for item in tree.children:
            if item.data == "triples_block":
                self.triples_block(item, elements)
            elif item.data == "filter":
                elements.append(FilterElement(self.expression(item.children[1]), position(item)))
            elif item.data == "negation":
                elements.append(self._negation(item))
            elif item.data == "assignment":
                _, name, expression = item.children
                elements.append(SetElement(self.variable(name), self.expression(expression), position(item)))
            else:
                elements.append(self._sub_select_element(item))
        self.place = outer
        return tuple(elements)

    def _negation(self, tree: Tree) -> Not:
        body_tree = tree.children[-1]
        for item in body_tree.children:
            if item.data not in ("triples_block", "filter"):
                raise self.source.error(
                    130, "only triples and FILTER can stand inside NOT", item,
                    help="derive the inner condition by a rule of its own, and negate what that rule concludes",
                )  # fmt: skip
        return Not(self._body(body_tree), is_token(tree.children[1], "DATA"), position(tree))

    def _sub_select_element(self, tree: Tree) -> SubSelectElement:
        pattern, scope = self.group(tree)
        return SubSelectElement(pattern, tuple(scope), position(tree))

    def path_pattern(self, subject: Node, path: Path, object_: Node, at: tuple[int, int] | None) -> PathPattern:
        if self.place is _BODY:
            raise self.source.error(
                108, "only sequences (/) and inverses (^) of properties can stand in a rule body", at,
                help="derive the path by rules of its own, or put it into { SELECT … WHERE { … } }",
            )  # fmt: skip
        return super().path_pattern(subject, path, object_, at)

    def exists_pattern(self, tree: Tree) -> Pattern:
        if self.place is _BODY:
            raise self.source.error(
                130, "EXISTS cannot stand in a rule body", tree, help="use a triple pattern, or NOT { … }"
            )
        return super().exists_pattern(tree)
