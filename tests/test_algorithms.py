"""The algorithms of measures on small inputs whose answers are known, and what each refuses."""

from itertools import product

import networkx
import numpy as np
import pytest
from sklearn.cluster import KMeans

from kg.analytics import algorithms, find
from kg.analytics.model import Nodes, Numbers, Several, Table, Texts
from kg.analytics.triangle import elkan
from kg.errors import MeasureError

NODE_NAMES = "abcdefghijklmnopqrstuvwxyz"


def run(name: str, columns: dict, features: tuple[str, ...] = (), words: dict | None = None, **parameters) -> list[dict]:
    """The rows of an algorithm's results; nodes are letters, columns of texts that are one letter long nodes."""
    algorithm = find(name)
    kinds = {column.name: column.kind for column in algorithm.columns}
    read = {}
    for column, values in columns.items():
        if kinds.get(column) == "node":
            read[column] = np.array([-1 if value is None else NODE_NAMES.index(value) for value in values])
        elif kinds.get(column) in ("text", "month"):
            read[column] = np.array(list(values), object)
        else:
            read[column] = np.array([np.nan if value is None else float(value) for value in values])
    given = {one.name: one.default for one in algorithm.parameters} | parameters
    result = algorithm.run(Table(np.arange(len(NODE_NAMES)) + 1000, read, features, words or {}), given)
    run.result = result
    found: dict[str, list] = {}
    for column, output in result.columns.items():
        for one in output if isinstance(output, tuple) else (output,):
            key = f"{column}@{(one.values.language if isinstance(one, Several) else one.language)}" if isinstance(output, tuple) else column
            if isinstance(one, Several):
                found[key] = [[value for row, value in zip(one.rows.tolist(), plain(one.values), strict=True) if row == place] for place in range(count(result))]
            else:
                found[key] = plain(one)
    return [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]


def plain(output) -> list:
    if isinstance(output, Nodes):
        return [None if place < 0 else NODE_NAMES[place] for place in output.places.tolist()]
    if isinstance(output, Numbers):
        return [None if np.isnan(value) else round(value, output.digits) for value in output.values.tolist()]
    assert isinstance(output, Texts)
    return list(output.values)


def count(result) -> int:
    return next(len(plain(one)) for one in result.columns.values() if not isinstance(one, (Several, tuple)))


def edges(text: str) -> dict:
    pairs = text.split()
    return {"source": [pair[0] for pair in pairs], "target": [pair[1] for pair in pairs], "weight": [float(pair[2:] or 1) for pair in pairs]}


def by(rows: list[dict], key: str, value: str) -> dict:
    return {row[key]: row[value] for row in rows}


def test_every_algorithm_tells_what_it_does_and_what_its_parameters_and_results_are():
    for one in algorithms().values():
        assert one.says.endswith(".") and all(column.says for column in one.columns) and all(one.results.values())
        assert all(parameter.says for parameter in one.parameters) and set(one.key) <= set(one.results) and one.value in one.results


# ── Networks ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_components_hang_together_either_way_or_along_the_edges():
    network = edges("ab bc ca cd ef")
    assert by(run("components", network), "node", "component") == {"a": "a", "b": "a", "c": "a", "d": "a", "e": "e", "f": "e"}
    assert by(run("components", network, connection="strong"), "node", "size") == {"a": 3, "b": 3, "c": 3}


def test_circles_are_listed_once_with_their_least_weight():
    rows = run("circles", edges("ab2 bc3 ca1 ba5 cd ef fe"), longest=3)
    assert sorted(("".join(row["member"]), row["weight"]) for row in rows) == [("ab", 2), ("abc", 1), ("ef", 1)]


@pytest.mark.parametrize("seed", range(3))
def test_circles_are_those_of_networkx(seed):
    rng = np.random.default_rng(seed)
    pairs = [f"{a}{b}" for a, b in product(NODE_NAMES[:8], repeat=2) if a != b and rng.random() < 0.3]
    rows = run("circles", edges(" ".join(pairs)), longest=5)
    expected = networkx.simple_cycles(networkx.DiGraph([tuple(pair) for pair in pairs]), length_bound=5)
    assert sorted(turned("".join(row["member"])) for row in rows) == sorted(turned("".join(way)) for way in expected)


def turned(way: str) -> str:
    place = way.index(min(way))
    return way[place:] + way[:place]


def test_more_circles_than_asked_for_are_told():
    run("circles", edges("ab ba bc cb"), most=1)
    assert "more than 1 circles" in run.result.warnings[0]


def test_pagerank_is_that_of_networkx():
    network = "ab2 bc ca cd1 da3 ed"
    graph = networkx.DiGraph()
    graph.add_weighted_edges_from((pair[0], pair[1], float(pair[2:] or 1)) for pair in network.split())
    expected = networkx.pagerank(graph, tol=1e-12, max_iter=1000)
    # Nodes without an edge, of which the table has 21 more, take a part of the walks; the proportions stay.
    rows = by(run("pagerank", edges(network)), "node", "value")
    ratio = {node: rows[node] / rows["a"] for node in rows}
    assert ratio == pytest.approx({node: value / expected["a"] for node, value in expected.items()}, rel=1e-3)


def test_betweenness_from_all_nodes_is_that_of_networkx_and_from_a_sample_close():
    network = "ab bc cd de ef bg gd"
    graph = networkx.DiGraph([tuple(pair) for pair in network.split()])
    expected = networkx.betweenness_centrality(graph, normalized=False)
    rows = by(run("betweenness", edges(network), sample=0), "node", "value")
    assert rows == pytest.approx({node: 100 * value / (7 * 5) for node, value in expected.items()}, abs=1e-5)
    assert run("betweenness", edges(network), sample=4, seed=1) == run("betweenness", edges(network), sample=4, seed=1)


def test_communities_are_dense_parts():
    rows = run("communities", edges("ab ac bc cd0.1 de df ef"))
    groups = by(rows, "node", "community")
    assert {groups[node] for node in "abc"} != {groups[node] for node in "def"} and len(set(groups.values())) == 2
    assert "modularity" in run.result.findings["en"][0]


def test_shortest_ways_come_in_order():
    network = edges("ab1 bd1 ac1 cd2 ad9")
    columns = {name: [*values, None] for name, values in network.items()} | {"start": [None] * 5 + ["a"], "end": [None] * 5 + ["d"]}
    rows = run("ways", columns, ways=3)
    ways = {}
    for row in rows:
        ways.setdefault((row["rank"], row["cost"]), []).append(row["node"])
    assert {key: "".join(way) for key, way in ways.items()} == {(1, 2): "abd", (2, 3): "acd", (3, 9): "ad"}


# ── Clusters ─────────────────────────────────────────────────────────────────────────────────────────────────


def blobs(seed: int = 1, each: int = 60, centres=((0, 0, 0), (8, 0, 4), (0, 9, -4))) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(centre, 1, (each, len(centre))) for centre in centres])


def clusters(values: np.ndarray, **parameters) -> list[dict]:
    algorithm = find("k-means")
    names = ("turnover", "loans", "staff")
    table = Table(np.arange(len(values)), {"item": np.arange(len(values))} | {name: values[:, place] for place, name in enumerate(names)}, names, {"loans": {"en": "lending", "zh": "贷款"}})
    run.result = algorithm.run(table, {one.name: one.default for one in algorithm.parameters} | parameters)
    columns = run.result.columns
    return [dict(zip(("cluster", "en", "zh"), row, strict=True)) for row in zip(plain(columns["cluster"]), *(plain(one) for one in columns["profile"]), strict=True)]


def test_the_silhouette_chooses_the_number_of_clusters_and_words_tell_them_apart():
    rows = clusters(blobs())
    assert [len({row["cluster"] for row in rows[start : start + 60]}) for start in (0, 60, 120)] == [1, 1, 1] and len({row["cluster"] for row in rows}) == 3
    assert rows[60]["cluster"] == 1 and rows[60]["en"].startswith("high turnover") and "high lending" in rows[130]["en"] and "贷款较高" in rows[130]["zh"]
    assert run.result.findings["en"][0].startswith("k = 3: silhouette 0.")


def test_the_same_seed_gives_the_same_clusters():
    assert clusters(blobs(), k=4, seed=3) == clusters(blobs(), k=4, seed=3)


def test_a_constant_feature_is_refused_by_its_name():
    values = blobs()
    values[:, 1] = 5
    with pytest.raises(MeasureError, match="loans is constant: it is 5 in all 180 rows") as raised:
        clusters(values)
    assert raised.value.code == "A112"


def test_more_clusters_than_rows_are_refused():
    with pytest.raises(MeasureError, match="20 clusters cannot be made of 6 different rows"):
        clusters(blobs(each=2), k=20)


def test_the_triangle_inequality_changes_nothing_but_the_number_of_distances():
    points = blobs(each=400, centres=[tuple(row) for row in np.random.default_rng(5).uniform(-40, 40, (12, 3))])
    centres = points[np.random.default_rng(6).choice(len(points), 12, replace=False)]
    counted = elkan(points, centres)
    plainly = KMeans(12, init=centres, n_init=1, algorithm="lloyd", tol=0).fit(points)
    assert np.array_equal(counted.labels, plainly.labels_)
    assert counted.saved > 0.5 and counted.without == len(points) * 12 * counted.iterations


# ── Baskets ──────────────────────────────────────────────────────────────────────────────────────────────────


def baskets(*texts: str) -> dict:
    pairs = [(NODE_NAMES[25 - place], item) for place, text in enumerate(texts) for item in text]
    return {"basket": [pair[0] for pair in pairs], "item": [pair[1] for pair in pairs]}


def test_rules_have_the_support_confidence_and_lift_of_their_definition():
    rows = run("associations", baskets("ab", "ab", "abc", "c", "c", "a"), support=0.3, confidence=0.5)
    rule = next(row for row in rows if row["premises"] == ["a"] and row["conclusion"] == "b")
    assert (rule["support"], rule["confidence"], rule["lift"], rule["count"]) == (0.5, 0.75, 1.5, 3)


def test_rules_of_three_items_are_those_of_brute_force():
    texts = ("abc", "abc", "abd", "acd", "bcd", "abcd", "ad", "bc")
    rows = run("associations", baskets(*texts), support=0.2, confidence=0.1, lift=0.0)
    found = {("".join(row["premises"]), row["conclusion"]): row["count"] for row in rows}
    expected = {}
    for items in {"".join(sorted(set(one))) for size in (2, 3) for one in product("abcd", repeat=size) if len(set(one)) == size}:
        number = sum(set(items) <= set(text) for text in texts)
        if number >= 0.2 * len(texts):
            expected |= {(items.replace(item, ""), item): number for item in items}
    assert found == expected


def test_what_is_offered_goes_with_what_is_held_or_with_the_tied_and_is_neither_held_nor_barred():
    held = baskets("ab", "ab", "ab", "ac", "a", "d", "c", "cd")  # z y x w v u t s
    size = len(held["item"])
    columns = {"user": [*held["basket"], "t", "v"], "item": [*held["item"], None, None], "tied": [None] * size + ["u", None], "barred": [None] * (size + 1) + ["c"]}
    rows = run("recommendation", columns, number=2, ties=5.0)
    offers = {}
    for row in rows:
        offers.setdefault(row["user"], []).append(row["item"])
    assert offers["v"][0] == "b" and "c" not in offers["v"]
    assert offers["t"][0] == "d"  # through the one that it is tied to
    row = next(row for row in rows if row["user"] == "t" and row["item"] == "d")
    assert row["through"] == ["u"] and row["reason@en"] == "1 of 1 tied to it hold this, of all 25%"
    assert all(item not in text for text, user in (("ab", "z"), ("cd", "s")) for item in offers.get(user, []))


# ── Scores ───────────────────────────────────────────────────────────────────────────────────────────────────


def cases(count: int = 600, seed: int = 2) -> Table:
    rng = np.random.default_rng(seed)
    signal, noise = rng.normal(0, 1, count), rng.normal(0, 1, count)
    label = (rng.random(count) < 1 / (1 + np.exp(1.5 - 2 * signal))).astype(float)
    label[-100:] = np.nan
    return Table(np.arange(count), {"item": np.arange(count), "label": label, "signal": signal, "noise": noise}, ("signal", "noise"), {"signal": {"en": "sign", "zh": "迹象"}})


def scored(table: Table, **parameters):
    algorithm = find("scoring")
    return algorithm.run(table, {one.name: one.default for one in algorithm.parameters} | parameters)


@pytest.mark.parametrize("model", ["logistic", "boosted"])
def test_probabilities_follow_the_signal_and_the_reasons_name_it(model):
    table = cases()
    result = scored(table, model=model, part="signal")
    probability, signal = result.columns["probability"].values, table.columns["signal"][-100:]
    assert np.corrcoef(probability, signal)[0, 1] > 0.8 and (probability > 0).all() and (probability < 1).all()
    assert np.corrcoef(result.columns["added"].values, signal)[0, 1] > 0.8
    reasons = dict(zip(result.columns["reason"][0].rows.tolist(), result.columns["reason"][0].values.values, strict=True))
    assert reasons[int(signal.argmax())].startswith("sign: ") or "sign: " in "".join(result.columns["reason"][0].values.values)
    assert "AUC 0.8" in result.findings["en"][0]


def test_a_constant_feature_is_refused_or_left_out_as_is_asked():
    table = cases()
    table.columns["noise"][:] = 3
    with pytest.raises(MeasureError, match="noise is constant"):
        scored(table)
    assert scored(table, constant="leave-out").warnings == ("left out, for they are the same in all cases to learn from: noise",)


def test_reasons_may_be_left_out():
    assert not len(scored(cases(), reasons=0).columns["reason"][0].rows)


def test_probabilities_are_calibrated():
    table = cases(4000)
    table.columns["label"][:2000] = np.nan
    truth = cases(4000).columns["label"][:2000]
    probability = scored(table).columns["probability"].values[:2000]
    for low, high in ((0, 0.2), (0.2, 0.5), (0.5, 1)):
        here = (probability >= low) & (probability < high)
        assert probability[here].mean() == pytest.approx(truth[here].mean(), abs=0.06)


def test_labels_of_one_kind_teach_nothing():
    table = cases()
    table.columns["label"][:-100] = 0
    with pytest.raises(MeasureError, match="only 0 cases have the label 1") as raised:
        scored(table)
    assert raised.value.code == "A113"


def test_a_series_is_told_by_its_slope_its_latest_change_and_its_break():
    months = [f"2025-{month:02d}-15" for month in range(1, 13)]
    series = {"a": [10.0 + month for month in range(12)], "b": [10] * 6 + [4] * 6, "c": [5, 5.1] * 6}
    rows = run("trends", {"item": [item for item in series for _ in months], "month": [month[:7] for month in months] * 3, "value": [value for values in series.values() for value in values]})
    told = {row["item"]: row for row in rows}
    assert [told[item]["direction@en"] for item in "abc"] == ["rising", "falling", "steady"]
    assert told["a"]["slope"] == pytest.approx(1 / 15.5, abs=1e-4) and told["a"]["change"] == pytest.approx(3 / 17, abs=1e-3)
    assert (told["b"]["month"], told["b"]["before"], told["b"]["after"]) == ("2025-07", 10, 4) and told["c"]["month"] is None


def test_points_are_capped_by_heading_and_age_and_fall_into_bands():
    columns = {"item": "aaab", "points": [-30, -30, -10, 0], "criterion": ["court", "court", "tax", None], "age": [0, 0, 365, None], "cap": [40, 40, None, None], "fact": ["x", "y", "z", None]}
    rows = run("scorecard", columns, base=100.0, half_life=365.0, bands="good:80, fair:50, poor:0")
    assert [(row["item"], row["score"], row["band"], row["facts"]) for row in rows] == [("a", 55, "fair", 3), ("b", 100, "good", 0)]
    assert rows[0]["reason@en"] == ["court: -40.0 points (2 facts)", "tax: -5.0 points (1 fact)"] and rows[0]["fact"] == ["x", "y", "z"]


def test_an_index_is_the_weighted_mean_of_places_and_refuses_what_has_no_weight():
    columns = {"item": "abcd", "size": [1, 2, 3, 4], "debt": [0, 9, 3, 5]}
    rows = run("index", columns, ("size", "debt"), weights="size:3, debt:-1", bands="A:60, B:0")
    assert [(row["item"], row["score"], row["rank"], row["band"]) for row in rows] == [("a", 31.25, 3, "B"), ("b", 31.25, 4, "B"), ("c", 62.5, 2, "A"), ("d", 75.0, 1, "A")]
    with pytest.raises(MeasureError, match="weights says nothing of debt"):
        run("index", columns, ("size", "debt"), weights="size:3")


def test_a_heat_map_tells_what_lies_above_the_expected():
    rows = run("grid", {"row": "aaabb", "column": "xxyxy", "value": [10, 10, 5, 5, 10]})
    cell = next(row for row in rows if (row["row"], row["column"]) == ("a", "x"))
    assert (cell["value"], cell["count"], cell["share"]) == (20, 2, 0.8) and cell["quotient"] == pytest.approx(20 / (25 * 25 / 40), abs=1e-3)


def test_negative_weights_and_networks_without_edges_are_refused():
    with pytest.raises(MeasureError, match="negative"):
        run("pagerank", edges("ab-1"))
    with pytest.raises(MeasureError, match="no edge"):
        run("pagerank", edges("aa1"))
