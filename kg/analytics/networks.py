"""Algorithms of networks: components, circles, centrality, communities, shortest ways. Nodes and weighted edges are all they know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np
from scipy.sparse.csgraph import connected_components

from kg.analytics.inputs import EDGE_COLUMNS, Edges, edges_of
from kg.analytics.model import NODE, Column, Nodes, Numbers, Parameter, Result, Several, Table, Texts
from kg.analytics.registry import algorithm

_SEED = Parameter("seed", 7, "of all that draws lots", int, least=0)


def _order(edges: Edges) -> np.ndarray:
    """The nodes that have an edge."""
    return np.unique(np.concatenate([edges.source, edges.target]))


def _ranks(values: np.ndarray) -> np.ndarray:
    """1 for the largest; equal values in the order of their nodes."""
    ranks = np.empty(len(values), np.int64)
    ranks[np.argsort(-np.round(values, 12), kind="stable")] = np.arange(1, len(values) + 1)
    return ranks


def _grouped(nodes: np.ndarray, group: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each node the node that stands for its group (that of the largest weight, else the first), and the group's size."""
    order = np.lexsort((nodes, -np.round(weight, 9), group))
    heads = order[np.r_[True, np.diff(group[order]) != 0]]
    head = np.zeros(int(group.max()) + 1, np.int64)
    head[group[heads]] = nodes[heads]
    return head[group], np.bincount(group)[group]


@algorithm(
    "components", version=1, columns=EDGE_COLUMNS, key=("node",), value="component",
    parameters=(
        Parameter("connection", "weak", "weak: edges both ways; strong: each node can be reached from each other along the edges", str, ("weak", "strong")),
        Parameter("smallest", 2, "components with fewer nodes are left out", int, least=1),
    ),
    results={"node": "a node", "component": "the node that stands for its component", "size": "how many nodes the component has"},
)  # fmt: skip
def components(table: Table, parameters: Mapping[str, object]) -> Result:
    """Which nodes hang together, along the edges or in either direction."""
    edges = edges_of(table)
    _, group = connected_components(edges.matrix(), directed=True, connection=str(parameters["connection"]))
    nodes = _order(edges)
    _, group = np.unique(group[nodes], return_inverse=True)
    head, size = _grouped(nodes, group, np.zeros(len(nodes)))
    kept = size >= int(parameters["smallest"])
    count = len(np.unique(head[kept]))
    found = {"en": (f"{count:,} components of at least {parameters['smallest']} nodes, the largest of {int(size.max()):,}",),
             "zh": (f"{count:,} 个连通分量（至少 {parameters['smallest']} 个节点），最大的有 {int(size.max()):,} 个节点",)}  # fmt: skip
    return Result({"node": Nodes(nodes[kept]), "component": Nodes(head[kept]), "size": Numbers(size[kept].astype(float), 0)}, found)


@algorithm(
    "circles", version=1, columns=EDGE_COLUMNS, key=("first", "number"), value="length",
    parameters=(Parameter("longest", 6, "nodes of the longest circle that is looked for", int, least=2, most=12), Parameter("most", 100_000, "more circles are not listed, and that is told", int, least=1)),
    results={"first": "the circle's first node", "number": "tells circles of one first node apart", "length": "how many nodes it has", "weight": "the least weight of its edges", "member": "its nodes (several)"},
)  # fmt: skip
def circles(table: Table, parameters: Mapping[str, object]) -> Result:
    """All ways that lead from a node over others back to it, none of them twice, up to a length."""
    edges, longest, most = edges_of(table), int(parameters["longest"]), int(parameters["most"])
    matrix = edges.matrix()
    _, group = connected_components(matrix, directed=True, connection="strong")
    inner = np.bincount(group)[group] > 1
    ways: list[tuple[int, ...]] = []
    for first in np.flatnonzero(inner).tolist():
        stack = [(first,)]
        while stack and len(ways) <= most:
            way = stack.pop()
            for node in matrix.indices[matrix.indptr[way[-1]] : matrix.indptr[way[-1] + 1]].tolist():
                if node == first:
                    ways.append(way)
                elif node > first and group[node] == group[first] and node not in way and len(way) < longest:
                    stack.append((*way, node))
    is_cut, ways = len(ways) > most, sorted(ways[:most], key=lambda way: (way[0], len(way), way))
    first = np.array([way[0] for way in ways], np.int64)
    number = np.array([place - int(np.searchsorted(first, way[0])) + 1 for place, way in enumerate(ways)], float)
    weight = np.array([min(matrix[a, b] for a, b in zip(way, (*way[1:], way[0]), strict=True)) for way in ways], float)
    lengths = np.array([len(way) for way in ways], np.int64)
    member = Several(np.repeat(np.arange(len(ways)), lengths), Nodes(np.array([node for way in ways for node in way], np.int64)))
    found = {"en": (f"{len(ways):,} circles of up to {longest} nodes",), "zh": (f"{len(ways):,} 个不超过 {longest} 个节点的环",)}
    warnings = (f"there are more than {most:,} circles of up to {longest} nodes: the first are listed",) if is_cut else ()
    columns = {"first": Nodes(first), "number": Numbers(number, 0), "length": Numbers(lengths.astype(float), 0), "weight": Numbers(weight), "member": member}
    return Result(columns, found, warnings)


@algorithm(
    "pagerank", version=1, columns=EDGE_COLUMNS, key=("node",), value="value",
    parameters=(Parameter("damping", 0.85, "the part of walks that goes on along an edge", least=0.01, most=0.99), Parameter("top", 0, "only so many nodes are written; 0: all", int, least=0)),
    results={"node": "a node", "value": "its part of all walks, times the number of nodes: 1 is the mean", "rank": "1 for the largest"},
)  # fmt: skip
def pagerank(table: Table, parameters: Mapping[str, object]) -> Result:
    """How central a node is by the edges that lead to it from central nodes."""
    edges = edges_of(table)
    values = np.array(edges.graph().pagerank(weights="weight", damping=float(parameters["damping"])))
    return _central(edges, values * len(values), int(parameters["top"]), "pagerank")


@algorithm(
    "betweenness", version=1, columns=EDGE_COLUMNS, key=("node",), value="value",
    parameters=(
        Parameter("sample", 500, "nodes from which shortest ways are looked for, drawn by lot; 0: from all", int, least=0), _SEED,
        Parameter("directed", 1, "1: ways go along the edges; 0: either way", int, (), 0, 1), Parameter("top", 0, "only so many nodes are written; 0: all", int, least=0),
    ),
    results={"node": "a node", "value": "the part of the shortest ways between other nodes that pass through it, in hundredths", "rank": "1 for the largest"},
)  # fmt: skip
def betweenness(table: Table, parameters: Mapping[str, object]) -> Result:
    """How many of the shortest ways between others pass through a node, counted from a sample of nodes."""
    edges, sample = edges_of(table), int(parameters["sample"])
    nodes, graph = _order(edges), edges.graph(directed=bool(parameters["directed"]))
    drawn = nodes if not sample or sample >= len(nodes) else np.sort(np.random.default_rng(int(parameters["seed"])).choice(nodes, sample, replace=False))
    values = np.array(graph.betweenness(directed=bool(parameters["directed"]), sources=drawn.tolist()))
    pairs = len(drawn) * max(1, len(nodes) - 2) / (1 if parameters["directed"] else 2)
    return _central(edges, 100 * values / pairs, int(parameters["top"]), f"betweenness from {len(drawn):,} of {len(nodes):,} nodes")


def _central(edges: Edges, values: np.ndarray, top: int, name: str) -> Result:
    nodes = _order(edges)
    rank = _ranks(values[nodes])
    kept = rank <= (top or len(nodes))
    found = {"en": (f"{name}: {len(nodes):,} nodes, {len(edges.source):,} edges",), "zh": (f"{len(nodes):,} 个节点，{len(edges.source):,} 条边",)}
    return Result({"node": Nodes(nodes[kept]), "value": Numbers(values[nodes][kept], 6), "rank": Numbers(rank[kept].astype(float), 0)}, found)


@algorithm(
    "communities", version=1, columns=EDGE_COLUMNS, key=("node",), value="community",
    parameters=(
        Parameter("resolution", 1.0, "more than 1: more and smaller communities", least=1e-6), Parameter("smallest", 3, "communities with fewer nodes are left out", int, least=1),
        Parameter("turns", 2, "times that the method goes over the network", int, least=1), _SEED,
    ),
    results={
        "node": "a node", "community": "the node that stands for its community: that with the largest weight of edges in it", "size": "how many nodes it has",
        "within": "the part of the node's weight that stays in it",
    },
)  # fmt: skip
def communities(table: Table, parameters: Mapping[str, object]) -> Result:
    """Which nodes belong together by the weight of the edges between them (Leiden method, modularity)."""
    import leidenalg

    edges = edges_of(table)
    nodes, graph = _order(edges), edges.graph(directed=False)
    partition = leidenalg.find_partition(
        graph, leidenalg.RBConfigurationVertexPartition, weights="weight", resolution_parameter=float(parameters["resolution"]),
        n_iterations=int(parameters["turns"]), seed=int(parameters["seed"]),
    )  # fmt: skip
    group = np.array(partition.membership)
    inside = np.where(group[edges.source] == group[edges.target], edges.weight, 0)
    strength, kept_in = (np.bincount(edges.source, w, edges.count) + np.bincount(edges.target, w, edges.count) for w in (edges.weight, inside))
    _, compact = np.unique(group[nodes], return_inverse=True)
    head, size = _grouped(nodes, compact, kept_in[nodes])
    kept = size >= int(parameters["smallest"])
    modularity = graph.modularity(group.tolist(), weights="weight")
    count = len(np.unique(head[kept]))
    found = {
        "en": (f"{count:,} communities of at least {parameters['smallest']} nodes, the largest of {int(size.max()):,}; modularity {modularity:.3f}",),
        "zh": (f"{count:,} 个社区（至少 {parameters['smallest']} 个节点），最大的有 {int(size.max()):,} 个节点；模块度 {modularity:.3f}",),
    }
    columns = {"node": Nodes(nodes[kept]), "community": Nodes(head[kept]), "size": Numbers(size[kept].astype(float), 0), "within": Numbers((kept_in / np.maximum(strength, 1e-300))[nodes][kept])}
    return Result(columns, found)


@algorithm(
    "ways", version=1, key=("start", "end", "rank", "step"), value="node",
    columns=(*(replace(column, may_be_missing=True) for column in EDGE_COLUMNS), Column("start", NODE, "where ways begin, beside `end` in rows of their own or of edges", may_be_missing=True), Column("end", NODE, "where they end", may_be_missing=True)),
    parameters=(Parameter("ways", 1, "how many ways for each pair, the shortest first", int, least=1, most=50), Parameter("directed", 1, "1: along the edges; 0: either way", int, (), 0, 1)),
    results={
        "start": "where a way begins", "end": "where it ends", "rank": "1 for the shortest", "step": "0 for the start", "node": "the node of the step", "length": "edges of the way",
        "cost": "the sum of their weights", "text": "the number of steps in words",
    },
)  # fmt: skip
def ways(table: Table, parameters: Mapping[str, object]) -> Result:
    """The shortest ways between pairs of nodes, by the sum of the weights: the one, or several (Yen)."""
    source, target = table.columns["source"], table.columns["target"]
    is_edge = (source >= 0) & (target >= 0)
    weights = {"weight": table.columns["weight"][is_edge]} if "weight" in table.columns else {}
    edges = edges_of(Table(table.nodes, {"source": source[is_edge], "target": target[is_edge]} | weights))
    graph, directed = edges.graph(directed=bool(parameters["directed"])), bool(parameters["directed"])
    asked = sorted({pair for pair in zip(table.columns["start"].tolist(), table.columns["end"].tolist(), strict=True) if min(pair) >= 0 and pair[0] != pair[1]})
    rows: list[tuple] = []
    for start, end in asked:
        found = graph.get_k_shortest_paths(start, end, k=int(parameters["ways"]), mode="out" if directed else "all", weights="weight", output="vpath")
        costed = sorted((round(sum(_cost(graph, a, b, directed) for a, b in pairwise(way)), 9), way) for way in found if way)
        for rank, (cost, way) in enumerate(costed, start=1):
            rows += [(start, end, rank, step, node, len(way) - 1, cost) for step, node in enumerate(way)]
    columns = [np.array(column) for column in zip(*rows, strict=True)] if rows else [np.zeros(0, np.int64)] * 7
    named = dict(zip(("start", "end", "rank", "step", "node", "length", "cost"), columns, strict=True))
    outputs = {name: Nodes(named[name].astype(np.int64)) if name in ("start", "end", "node") else Numbers(named[name].astype(float), 4 if name == "cost" else 0) for name in named}
    outputs["text"] = (Texts([f"{length} steps" for length in named["length"].tolist()], "en"), Texts([f"{length} 步" for length in named["length"].tolist()], "zh"))
    return Result(outputs, {"en": (f"ways between {len(asked):,} pairs",), "zh": (f"{len(asked):,} 对节点之间的路径",)})


def _cost(graph: object, a: int, b: int, directed: bool) -> float:
    return graph.es[graph.get_eid(a, b, directed=directed)]["weight"]
