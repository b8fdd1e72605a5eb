"""A proof in PROV-O: statements as entities, each application of a rule as an activity, source rows as primary sources.

Statements are RDF 1.1 `rdf:Statement`s, so that every tool reads them. An inferred one names its rule by `sh:sourceRule`
and by the plan of the activity that generated it; the activity used the premises.
"""

from __future__ import annotations

from typing import Any

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
PROV = "http://www.w3.org/ns/prov#"
SHACL = "http://www.w3.org/ns/shacl#"
PREFIXES = {"rdf": RDF, "rdfs": RDFS, "prov": PROV, "sh": SHACL}

TYPE = NamedNode(RDF + "type")
LABEL = NamedNode(RDFS + "label")


def provenance(proof: Any) -> list[Triple]:
    """The triples that say how the root of `proof` came about; statements that occur twice are one entity."""
    found = _Provenance()
    found.all(proof)
    return list(found.said)


class _Provenance:
    def __init__(self) -> None:
        self.said: dict[Triple, None] = {}
        self._statements: dict[Triple, BlankNode] = {}
        self._rows: dict[tuple, BlankNode] = {}
        self._activities = 0

    def all(self, proof: Any) -> None:
        """A proof and all below it, the lowest last."""
        waiting = [proof]
        while waiting:
            node = waiting.pop()
            entity = self.statement(node)
            for derivation in (node, *node.others):
                if derivation.kind == "inferred":
                    self._derived(entity, derivation)
                    waiting += reversed(derivation.below())
                elif derivation.kind == "asserted":
                    self._stated(entity, derivation)

    def statement(self, proof: Any) -> BlankNode:
        """The entity of a statement; what it rests on is told where the tree tells it."""
        entity = self._statements.get(proof.triple)
        if entity is None:
            entity = self._statements[proof.triple] = BlankNode(f"statement{len(self._statements) + 1}")
            self._say(entity, TYPE, NamedNode(PROV + "Entity"), NamedNode(RDF + "Statement"))
            for name in ("subject", "predicate", "object"):
                self._say(entity, NamedNode(RDF + name), getattr(proof.triple, name))
        return entity

    def _derived(self, entity: BlankNode, proof: Any) -> None:
        self._activities += 1
        activity, association = BlankNode(f"derivation{self._activities}"), BlankNode(f"association{self._activities}")
        rule = NamedNode(proof.rule)
        self._say(entity, NamedNode(PROV + "wasGeneratedBy"), activity)
        self._say(entity, NamedNode(SHACL + "sourceRule"), rule)
        self._say(activity, TYPE, NamedNode(PROV + "Activity"))
        self._say(activity, NamedNode(PROV + "qualifiedAssociation"), association)
        self._say(association, TYPE, NamedNode(PROV + "Association"))
        self._say(association, NamedNode(PROV + "hadPlan"), rule)
        self._say(rule, TYPE, NamedNode(PROV + "Plan"))
        for language, text in (proof.says or {}).items():
            self._say(activity, LABEL, Literal(text, language=language) if language else Literal(text))
        for premise in proof.below():
            used = self.statement(premise)
            self._say(activity, NamedNode(PROV + "used"), used)
            self._say(entity, NamedNode(PROV + "wasDerivedFrom"), used)

    def _stated(self, entity: BlankNode, proof: Any) -> None:
        for graph in proof.graphs:
            if graph:
                self._say(entity, NamedNode(PROV + "wasQuotedFrom"), NamedNode(graph))
        for row in proof.sources:
            own = () if row.line is not None or row.record is not None else tuple(row.columns.items())  # rows of databases have no numbers
            key = (row.file, row.table, row.line, row.record, *own)
            source = self._rows.get(key)
            if source is None:
                source = self._rows[key] = BlankNode(f"row{len(self._rows) + 1}")
                self._say(source, TYPE, NamedNode(PROV + "Entity"))
                place = row.line if row.line is not None else row.record
                self._say(source, NamedNode(PROV + "atLocation"), Literal(f"{row.file or row.table}{'' if place is None else f':{place}'}"))
                columns = ", ".join(f"{name}={value}" for name, value in row.columns.items() if value is not None)
                self._say(source, NamedNode(PROV + "value"), Literal(columns))
            self._say(entity, NamedNode(PROV + "hadPrimarySource"), source)

    def _say(self, subject: NamedNode | BlankNode, predicate: NamedNode, *objects: Any) -> None:
        for value in objects:
            self.said[Triple(subject, predicate, value)] = None
