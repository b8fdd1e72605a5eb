"""Universities for the OWL RL benchmark: an ontology of classes, properties and restrictions, and as many departments as wanted.

Its shape is that of the Lehigh benchmark, which everybody in the field knows: hierarchies of classes and properties, a
transitive part-of, inverses, existential and intersection classes, domains and ranges. Numbers and text are our own.

    python -m benchmarks.universities --departments 15 --out universities.nt
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from pathlib import Path

from pyoxigraph import RdfFormat, parse

ONTOLOGY = """
@prefix : <http://universities.example/> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
:Employee rdfs:subClassOf :Person . :Faculty rdfs:subClassOf :Employee . :Professor rdfs:subClassOf :Faculty . :Lecturer rdfs:subClassOf :Faculty .
:FullProfessor rdfs:subClassOf :Professor . :AssociateProfessor rdfs:subClassOf :Professor . :AssistantProfessor rdfs:subClassOf :Professor .
:Student rdfs:subClassOf :Person . :UndergraduateStudent rdfs:subClassOf :Student . :GraduateStudent rdfs:subClassOf :Student .
:University rdfs:subClassOf :Organization . :Department rdfs:subClassOf :Organization . :ResearchGroup rdfs:subClassOf :Organization .
:GraduateCourse rdfs:subClassOf :Course . :Course rdfs:subClassOf :Work . :Research rdfs:subClassOf :Work . :Article rdfs:subClassOf :Publication .
:Publication owl:disjointWith :Person . :Course owl:disjointWith :Person . :Organization owl:disjointWith :Person .
:headOf rdfs:subPropertyOf :worksFor . :worksFor rdfs:subPropertyOf :memberOf . :memberOf owl:inverseOf :member .
:subOrganizationOf a owl:TransitiveProperty . :degreeFrom owl:inverseOf :hasAlumnus .
:undergraduateDegreeFrom rdfs:subPropertyOf :degreeFrom . :mastersDegreeFrom rdfs:subPropertyOf :degreeFrom . :doctoralDegreeFrom rdfs:subPropertyOf :degreeFrom .
:advisor rdfs:domain :Person ; rdfs:range :Professor . :teacherOf rdfs:domain :Faculty ; rdfs:range :Course . :publicationAuthor rdfs:range :Person .
:degreeFrom rdfs:domain :Person ; rdfs:range :University . :takesCourse rdfs:range :Course . :memberOf rdfs:range :Organization .
:Chair owl:equivalentClass [ owl:intersectionOf ( :Person [ a owl:Restriction ; owl:onProperty :headOf ; owl:someValuesFrom :Department ] ) ] .
:Learner owl:equivalentClass [ owl:intersectionOf ( :Person [ a owl:Restriction ; owl:onProperty :takesCourse ; owl:someValuesFrom :Course ] ) ] .
:Assistant owl:equivalentClass [ owl:intersectionOf ( :Person [ a owl:Restriction ; owl:onProperty :assistantOf ; owl:someValuesFrom :Course ] ) ] .
:affiliatedThrough owl:propertyChainAxiom ( :memberOf :subOrganizationOf ) .
"""
_NAMESPACE = "http://universities.example/"
_DEPARTMENTS = 15  # of a university
_FACULTY = (("FullProfessor", 9), ("AssociateProfessor", 12), ("AssistantProfessor", 9), ("Lecturer", 6))
_UNDERGRADUATES, _GRADUATES, _COURSES, _GROUPS = 350, 110, 60, 12


def triples(departments: int, seed: int) -> Iterator[str]:
    """Lines of N-Triples, the ontology first."""
    chance = random.Random(seed)
    for quad in parse(ONTOLOGY.encode(), format=RdfFormat.TURTLE):
        yield f"{quad.subject} {quad.predicate} {quad.object} ."
    universities = max(1, departments // _DEPARTMENTS)
    for university in range(universities):
        yield _type(f"u{university}", "University")
    for number in range(departments):
        yield from _department(number, number % universities, universities, chance)


def _department(number: int, university: int, universities: int, chance: random.Random) -> Iterator[str]:
    own = f"d{number}"
    yield _type(own, "Department")
    yield _link(own, "subOrganizationOf", f"u{university}")
    for group in range(_GROUPS):
        yield _type(f"{own}-group{group}", "ResearchGroup")
        yield _link(f"{own}-group{group}", "subOrganizationOf", own)
    for course in range(_COURSES):
        yield _type(f"{own}-course{course}", "GraduateCourse" if course % 3 == 0 else "Course")
    faculty = [f"{own}-{kind}{i}" for kind, count in _FACULTY for i in range(count)]
    for i, (person, kind) in enumerate((f"{own}-{kind}{i}", kind) for kind, count in _FACULTY for i in range(count)):
        yield _type(person, kind)
        yield _link(person, "headOf" if i == 0 else "worksFor", own)
        for degree in ("undergraduate", "masters", "doctoral"):
            yield _link(person, f"{degree}DegreeFrom", f"u{chance.randrange(universities)}")
        for course in chance.sample(range(_COURSES), 2):
            yield _link(person, "teacherOf", f"{own}-course{course}")
        for article in range(chance.randint(3, 9)):
            yield _type(f"{person}-article{article}", "Article")
            yield _link(f"{person}-article{article}", "publicationAuthor", person)
    for i in range(_UNDERGRADUATES + _GRADUATES):
        is_graduate = i >= _UNDERGRADUATES
        person = f"{own}-student{i}"
        yield _type(person, "GraduateStudent" if is_graduate else "UndergraduateStudent")
        yield _link(person, "memberOf", own)
        for course in chance.sample(range(_COURSES), 3):
            yield _link(person, "takesCourse", f"{own}-course{course}")
        if is_graduate:
            yield _link(person, "undergraduateDegreeFrom", f"u{chance.randrange(universities)}")
            yield _link(person, "advisor", chance.choice(faculty[:30]))
            if chance.random() < 0.3:
                yield _link(person, "assistantOf", f"{own}-course{chance.randrange(_COURSES)}")


def _type(subject: str, cls: str) -> str:
    return f"<{_NAMESPACE}{subject}> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <{_NAMESPACE}{cls}> ."


def _link(subject: str, predicate: str, object: str) -> str:
    return f"<{_NAMESPACE}{subject}> <{_NAMESPACE}{predicate}> <{_NAMESPACE}{object}> ."


def chains(count: int, length: int) -> Iterator[str]:
    """Lines of N-Triples: chains of one transitive property."""
    yield f"<{_NAMESPACE}partOf> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://www.w3.org/2002/07/owl#TransitiveProperty> ."
    for chain in range(count):
        for link in range(length):
            yield _link(f"part{chain * (length + 1) + link}", "partOf", f"part{chain * (length + 1) + link + 1}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.universities", description="Write an ontology and data for it as N-Triples.")
    parser.add_argument("--departments", type=int, default=_DEPARTMENTS, help=f"{_DEPARTMENTS} (the default) make a university")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    with open(options.out, "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in triples(options.departments, options.seed))


if __name__ == "__main__":
    main()
