"""Evaluates the alert rules over series, by Prometheus' own promtool."""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.support.sources import ROOT

RULES = ROOT / "deploy/prometheus/alerts.yml"
EXPRESSION = 'count by (alertname) (ALERTS{alertstate="firing"})'


def firing(folder: Path, series: Mapping[str, str], at: str, *, interval: str = "15s") -> set[str]:
    """The alerts that fire at that moment over series such as `{'up{job="patchbay"}': "1x3 0x9"}`, a value
    per `interval`.
    """
    found = _evaluate(folder, series, at, interval)
    return set(re.findall(r'alertname="(\w+)"', found))


def series_of(scrapes: Sequence[str], **labels: str) -> dict[str, str]:
    """What Prometheus stores of these scrapes, each sample with these labels added."""
    stored: dict[str, list[str]] = {}
    for n, text in enumerate(scrapes):
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                pairs = ",".join(f"{k}={json.dumps(v)}" for k, v in ({**sample.labels, **labels}).items())
                name = f"{sample.name}{{{pairs}}}"
                stored.setdefault(name, ["_"] * len(scrapes))[n] = repr(float(sample.value))
    return {name: " ".join(values) for name, values in stored.items() if name.startswith("patchbay_")}


def _evaluate(folder: Path, series: Mapping[str, str], at: str, interval: str) -> str:
    """What promtool says the expression yields: it expects nothing, so that it names what there is."""
    test = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "15s",
        "tests": [
            {
                "interval": interval,
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "promql_expr_test": [
                    {
                        "expr": EXPRESSION,
                        "eval_time": at,
                        "exp_samples": [{"labels": '{alertname="none"}', "value": 0}],
                    }
                ],
            }
        ],
    }
    file = folder / "alerts_test.yml"
    file.write_text(json.dumps(test))  # JSON is YAML
    result = subprocess.run(
        ["promtool", "test", "rules", str(file)], capture_output=True, text=True, timeout=60
    )
    output = result.stdout + result.stderr
    assert "got:" in output, output
    return output.partition("got:")[2]
