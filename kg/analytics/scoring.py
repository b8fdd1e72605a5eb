"""Probabilities learnt from cases whose outcome is known: logistic or gradient-boosted, calibrated, with reasons for each case."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from kg.analytics.inputs import Features, features_of, number_text
from kg.analytics.model import NODE, NUMBER, Column, Nodes, Numbers, Parameter, Result, Several, Table, Texts
from kg.analytics.registry import algorithm
from kg.errors import MeasureError

_REASONS = 3


@algorithm(
    "scoring", version=1, key=("item",), value="probability", takes_features=True,
    columns=(Column("item", NODE, "a case"), Column("label", NUMBER, "1 or 0 in rows to learn from; unbound in rows of which the probability is asked", may_be_missing=True)),
    parameters=(
        Parameter("model", "logistic", "logistic: a weight for each feature; boosted: trees, for what is not additive", str, ("logistic", "boosted")),
        Parameter("logarithm", "", "features of which sign(x) · log(1 + |x|) is taken: names with commas between, or *", str), Parameter("folds", 5, "parts for calibration and for the figures that are told", int, least=2, most=20),
        Parameter("calibration", "sigmoid", "how scores become probabilities", str, ("sigmoid", "isotonic")), Parameter("least", 0.0, "lower probabilities are not written", least=0, most=1),
        Parameter("reasons", 1000, "of how many of the most probable cases reasons are written", int, least=0), Parameter("part", "", "features whose part in the probability is written as ?added: names with commas between", str),
        Parameter("constant", "refuse", "features that are the same in all cases to learn from: refuse them, or leave them out with a warning", str, ("refuse", "leave-out")),
        Parameter("seed", 7, "of all that draws lots", int, least=0),
    ),
    results={
        "item": "a case", "probability": "that its label is 1, calibrated", "rank": "1 for the most probable", "added": "what the features of `part` add to the probability, against their usual values",
        "reason": "the features that speak most for the label 1, with their values, in English and Chinese (several)",
    },
)  # fmt: skip
def scoring(table: Table, parameters: Mapping[str, object]) -> Result:
    """The probability of an outcome for each case, learnt from cases of which it is known, with the features that speak for it."""
    label = table.columns["label"]
    known = ~np.isnan(label)
    features = features_of(table, "item", str(parameters["logarithm"]), known, drop=parameters["constant"] == "leave-out")
    _check(label[known], ~known, int(parameters["folds"]))
    part = [name.strip() for name in str(parameters["part"]).split(",") if name.strip()]
    if unknown := set(part) - set(table.features):
        raise MeasureError("A103", f"part names {sorted(unknown)[0]}, which is no feature", help=f"features are {', '.join(table.features)}")
    left_out = [name for name in table.features if name not in features.names]
    with threadpool_limits(1):
        model, told = fitted(features.values[known], label[known].astype(int), parameters)
        asked = np.flatnonzero(~known)
        values, usual = features.values[asked], np.median(features.values[known], axis=0)
        probability = model.predict_proba(values)[:, 1]
        added = probability - model.predict_proba(_with_usual(values, usual, [features.names.index(name) for name in part if name in features.names]))[:, 1] if part else np.full(len(asked), np.nan)
        reasons = _reasons(table, features, asked, model, usual, probability, np.sort(_ranked(probability)[: int(parameters["reasons"])]))
    kept = probability >= float(parameters["least"])
    rank = np.empty(len(asked), np.int64)
    rank[_ranked(probability)] = np.arange(1, len(asked) + 1)
    place = np.cumsum(kept) - 1
    said = tuple(Several(place[rows[kept[rows]]], Texts([text for row, text in zip(rows.tolist(), texts, strict=True) if kept[row]], language)) for language, (rows, texts) in reasons.items())
    columns = {"item": Nodes(features.items[asked][kept]), "probability": Numbers(probability[kept]), "rank": Numbers(rank[kept].astype(float), 0), "added": Numbers(added[kept]), "reason": said}
    warnings = (f"left out, for they are the same in all cases to learn from: {', '.join(left_out)}",) if left_out else ()
    return Result(columns, told, warnings)


def _ranked(probability: np.ndarray) -> np.ndarray:
    return np.argsort(-np.round(probability, 12), kind="stable")


def _check(label: np.ndarray, asked: np.ndarray, folds: int) -> None:
    if not asked.any():
        raise MeasureError("A107", "no case is asked about: every row has a label", help="give rows without ?label for the cases whose probability is asked")
    if wrong := set(np.unique(label).tolist()) - {0.0, 1.0}:
        raise MeasureError("A108", f"a label is {sorted(wrong)[0]:g}; it must be 1 or 0")
    for value in (0, 1):
        if (count := int((label == value).sum())) < folds:
            raise MeasureError("A113", f"only {count} cases have the label {value}: nothing can be learnt from fewer than {folds}", help="widen the query, or set folds=2")


def classifier(parameters: Mapping[str, object]) -> object:
    if parameters["model"] == "boosted":
        return HistGradientBoostingClassifier(max_iter=150, learning_rate=0.08, max_leaf_nodes=15, min_samples_leaf=40, early_stopping=False, random_state=int(parameters["seed"]))
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


def fitted(values: np.ndarray, label: np.ndarray, parameters: Mapping[str, object]) -> tuple[CalibratedClassifierCV, dict[str, tuple[str, ...]]]:
    """The calibrated model, and how good it is on cases that it did not learn from."""
    folds = StratifiedKFold(int(parameters["folds"]), shuffle=True, random_state=int(parameters["seed"]))
    model = CalibratedClassifierCV(classifier(parameters), method=str(parameters["calibration"]), cv=folds, ensemble=False).fit(values, label)
    held_out = cross_val_predict(classifier(parameters), values, label, cv=folds, method="predict_proba")[:, 1]
    figures = f"AUC {roc_auc_score(label, held_out):.3f}, PR-AUC {average_precision_score(label, held_out):.3f}, Brier {brier_score_loss(label, held_out):.4f}"
    return model, {
        "en": (f"{len(label):,} cases to learn from, {int(label.sum()):,} with the label 1; on cases held out ({parameters['folds']} folds): {figures}",),
        "zh": (f"{len(label):,} 个学习样本，其中 {int(label.sum()):,} 个为正例；{parameters['folds']} 折留出：{figures}",),
    }


def _with_usual(values: np.ndarray, usual: np.ndarray, places: list[int]) -> np.ndarray:
    changed = values.copy()
    changed[:, places] = usual[places]
    return changed


def _logit(probability: np.ndarray) -> np.ndarray:
    clipped = probability.clip(1e-6, 1 - 1e-6)
    return np.log(clipped / (1 - clipped))


def _reasons(
    table: Table, features: Features, asked: np.ndarray, model: CalibratedClassifierCV, usual: np.ndarray, probability: np.ndarray, rows: np.ndarray
) -> dict[str, tuple[np.ndarray, list[str]]]:
    """For some cases: by how much the log-odds fall when a feature is set to its usual value, the largest first."""
    if not len(rows):
        return {"en": (rows, []), "zh": (rows, [])}
    values = features.values[asked[rows]]
    gains = np.column_stack([_logit(probability[rows]) - _logit(model.predict_proba(_with_usual(values, usual, [place]))[:, 1]) for place in range(len(features.names))])
    gains = np.round(gains, 9)
    order = np.argsort(-gains, axis=1, kind="stable")[:, :_REASONS]
    raw = np.column_stack([table.columns[name][asked[rows]] for name in features.names])
    typical = np.array([np.nanmedian(table.columns[name]) for name in features.names])
    found: dict[str, tuple[list[int], list[str]]] = {"en": ([], []), "zh": ([], [])}
    for place, chosen in enumerate(order.tolist()):
        for one in chosen:
            if gains[place, one] < 0.05:
                break
            name, value = features.names[one], raw[place, one]
            for language, (at, texts) in found.items():
                at.append(int(rows[place]))
                shown, often = number_text(value), number_text(typical[one])
                texts.append(f"{table.word(name, 'en')}: {shown} (usually {often})" if language == "en" else f"{table.word(name, 'zh')}：{shown}（通常为 {often}）")
    return {language: (np.array(at, np.int64), texts) for language, (at, texts) in found.items()}
