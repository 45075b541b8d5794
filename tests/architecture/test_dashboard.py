"""The dashboard in deploy/ asks for metrics and labels that exist."""

import json
import re

from eparch.server.metric_table import METRICS
from tests.architecture.tracked import ROOT

_OF_TARGET = {"job", "instance", "le"}
_ENDINGS = ("_bucket", "_sum", "_count")


def known_names() -> dict[str, set[str]]:
    """Return the names that a query may use, each with its labels."""
    names = {}
    for metric in METRICS:
        endings = _ENDINGS if metric.kind == "histogram" else ("",)
        names.update({metric.shown_name + ending: {*metric.labels, *_OF_TARGET} for ending in endings})
    return names


def test_every_query_names_a_metric_and_labels_that_exist() -> None:
    board = json.loads((ROOT / "deploy/grafana/eparch.json").read_text())
    known = known_names()
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert len(asked) >= 15
    for query in asked:
        names = re.findall(r"eparch_\w+", query)
        assert names or "process_" in query
        labels = {label for group in re.findall(r"by \(([^)]*)\)", query) for label in group.split(", ")}
        labels |= {label for group in re.findall(r"{([^}]*)}", query) for label in re.findall(r"(\w+)(?:=|!=)", group)}
        for name in names:
            assert name in known, query
            assert labels <= known[name], query
