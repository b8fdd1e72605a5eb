"""k-means over standardised features: k by silhouette, distances saved by the triangle inequality (Elkan), profiles in words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from threadpoolctl import threadpool_limits

from kg.analytics.inputs import Features, features_of
from kg.analytics.model import NODE, Column, Nodes, Numbers, Parameter, Result, Table, Texts
from kg.analytics.registry import algorithm
from kg.errors import MeasureError

# How far the mean of a cluster lies from that of all, in standard deviations, to be spoken of, and in which words.
_LEVELS = ((1.5, "very high {}", "{}很高"), (0.5, "high {}", "{}较高"), (-0.5, None, None), (-1.5, "low {}", "{}较低"), (-np.inf, "very low {}", "{}很低"))
_SAMPLE = 2_000  # rows of which silhouettes are computed


@algorithm(
    "k-means", version=1, columns=(Column("item", NODE, "what is to be put into clusters"),), key=("item",), value="cluster", takes_features=True,
    parameters=(
        Parameter("k", 0, "the number of clusters; 0: that with the best silhouette", int, least=0, most=200),
        Parameter("fewest", 2, "where k is 0: the least number that is tried", int, least=2), Parameter("most", 8, "and the largest", int, least=2, most=50),
        Parameter("logarithm", "", "features of which sign(x) · log(1 + |x|) is taken: names with commas between, or *", str),
        Parameter("order", "", "the feature by whose means clusters are numbered, the largest first; default: the first one", str),
        Parameter("starts", 4, "times that it begins anew, from other centres", int, least=1), Parameter("seed", 7, "of all that draws lots", int, least=0),
    ),
    results={
        "item": "an item", "cluster": "the number of its cluster", "profile": "the cluster's profile in words, in English and Chinese", "size": "how many items are in it",
        "distance": "how far from the centre, in standard deviations", "typicality": "1 for the item nearest to the centre, 0 for the farthest",
    },
)  # fmt: skip
def k_means(table: Table, parameters: Mapping[str, object]) -> Result:
    """Items in clusters by their features: standardised, k chosen by silhouette, and each cluster's profile in words."""
    features = features_of(table, "item", str(parameters["logarithm"]))
    values, _, _ = features.standardised()
    k, seed = int(parameters["k"]), int(parameters["seed"])
    largest = len(np.unique(values, axis=0))
    if max(k, int(parameters["fewest"])) > largest:
        raise MeasureError("A108", f"{max(k, int(parameters['fewest']))} clusters cannot be made of {largest:,} different rows", help="set a smaller k, or widen the query")
    tried = [k] if k else list(range(int(parameters["fewest"]), min(int(parameters["most"]), largest - (largest > 2)) + 1))
    with threadpool_limits(1):  # sums in a fixed order: the same rows give the same clusters
        models = {one: clustered(values, one, int(parameters["starts"]), seed) for one in tried}
        scores = {one: silhouette(values, model.labels_, seed) for one, model in models.items()}
    best = max(tried, key=lambda one: (round(scores[one], 6), -one))
    labels, centres = _numbered(models[best], features, str(parameters["order"]))
    distance = np.linalg.norm(values - centres[labels], axis=1)
    size = np.bincount(labels, minlength=best)
    profiles = {language: [profile(centres[one], table, features.names, language) for one in range(best)] for language in ("en", "zh")}
    said = {
        "en": [f"k = {best}: silhouette {scores[best]:.3f}" + (f"; tried {', '.join(f'{one}: {score:.3f}' for one, score in scores.items())}" if len(tried) > 1 else "")],
        "zh": [f"k = {best}：轮廓系数 {scores[best]:.3f}"],
    }
    for one in range(best):
        said["en"].append(f"{one + 1}: {size[one]:,} items; {profiles['en'][one]}")
        said["zh"].append(f"{one + 1}：{size[one]:,} 个；{profiles['zh'][one]}")
    columns = {
        "item": Nodes(features.items), "cluster": Numbers(labels + 1.0, 0), "size": Numbers(size[labels].astype(float), 0), "distance": Numbers(distance, 3),
        "profile": tuple(Texts([texts[label] for label in labels.tolist()], language) for language, texts in profiles.items()),
        "typicality": Numbers(1 - distance / max(distance.max(), 1e-300), 3),
    }  # fmt: skip
    return Result(columns, {language: tuple(texts) for language, texts in said.items()})


def clustered(values: np.ndarray, k: int, starts: int, seed: int) -> KMeans:
    """scikit-learn's k-means, with Elkan's use of the triangle inequality."""
    return KMeans(n_clusters=k, algorithm="elkan" if k > 1 else "lloyd", n_init=starts, random_state=seed).fit(values)


def silhouette(values: np.ndarray, labels: np.ndarray, seed: int) -> float:
    """The mean silhouette of a sample of rows; -1 where there is one cluster only."""
    drawn = np.arange(len(values)) if len(values) <= _SAMPLE else np.random.default_rng(seed).choice(len(values), _SAMPLE, replace=False)
    found = len(np.unique(labels[drawn]))
    return float(silhouette_score(values[drawn], labels[drawn])) if 1 < found < len(drawn) else -1.0


def _numbered(model: KMeans, features: Features, order: str) -> tuple[np.ndarray, np.ndarray]:
    """Labels and centres, the clusters ordered by the means of a feature."""
    if order and order not in features.names:
        raise MeasureError("A103", f"order names {order}, which is no feature", help=f"features are {', '.join(features.names)}")
    by = model.cluster_centers_[:, features.names.index(order) if order else 0]
    ranked = np.argsort(-np.round(by, 9), kind="stable")
    place = np.empty(len(ranked), np.int64)
    place[ranked] = np.arange(len(ranked))
    return place[model.labels_], model.cluster_centers_[ranked]


def profile(centre: np.ndarray, table: Table, names: tuple[str, ...], language: str) -> str:
    """What sets a cluster apart, the most striking first."""
    told = []
    for place in sorted(range(len(names)), key=lambda one: -abs(centre[one])):
        words = next((level[1 if language == "en" else 2] for level in _LEVELS if centre[place] >= level[0]), None)
        if words:
            told.append(words.format(table.word(names[place], language)))
    if not told:
        return "average in everything" if language == "en" else "各项均接近平均"
    return ", ".join(told) if language == "en" else "，".join(told)
