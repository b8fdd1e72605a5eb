"""Small writes: flags, statistics and sizes of graphs are corrected, and are those that counting everything gives."""

import random

import pytest

from kg.store import Store, recent
from kg.store.documents import load


def counted(store: Store) -> tuple:
    run = store.connection.execute
    return (
        run("SELECT p, o >> 56, count(*) FROM quads GROUP BY ALL ORDER BY ALL").fetchall(),
        run("SELECT g, count(*) FROM quads GROUP BY g ORDER BY g").fetchall(),
        run("SELECT count(DISTINCT (s, p, o)) FROM quads").fetchone(),
    )


def kept(store: Store) -> tuple:
    run = store.connection.execute
    return (
        run("SELECT p, tag, triples FROM statistics ORDER BY ALL").fetchall(),
        run("SELECT id, triples FROM graphs WHERE triples > 0 ORDER BY id").fetchall(),
        run("SELECT count(*) FILTER (NOT again) FROM quads").fetchone(),
    )


@pytest.mark.parametrize("seed", range(3))
def test_after_many_small_writes_everything_is_as_if_counted_anew(seed):
    dice = random.Random(seed)
    with Store.memory() as store:
        for _ in range(25):
            with store.transaction():
                for _ in range(dice.randint(1, 2)):
                    facts = [f"<urn:s{dice.randrange(4)}> <urn:p{dice.randrange(3)}> {dice.choice(['1', '2.5', '<urn:o>', chr(34) + 'x' + chr(34)])} ." for _ in range(4)]
                    load(store, "\n".join(facts).encode(), format="ttl", graph=f"urn:g{dice.randrange(3)}")
                    store.delete(f"SELECT g, s, p, o FROM quads USING SAMPLE {dice.randrange(4)} ROWS (reservoir, {dice.randrange(10**6)})")
            assert kept(store) == counted(store)
            assert store.connection.execute("SELECT max(n) FROM (SELECT count(*) AS n FROM quads WHERE NOT again GROUP BY s, p, o)").fetchone()[0] in (1, None)


def test_many_rows_are_counted_anew(monkeypatch):
    monkeypatch.setattr(recent, "LIMIT", 2)
    with Store.memory() as store:
        load(store, b"<urn:a> <urn:p> 1, 2, 3 .", format="ttl", graph="urn:g")
        load(store, b"<urn:a> <urn:p> 3 .", format="ttl", graph="urn:h")
        assert kept(store) == counted(store)
