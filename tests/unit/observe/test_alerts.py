"""Prometheus' own promtool reads the rules, and every alert fires and clears in it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from observe.queries import rule_files, rules

PROMTOOL = shutil.which("promtool")
CASES: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("alerts.yaml").read_text())
ALERTS = {rule.name: rule for rule in rules() if rule.is_alert}
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")


def promtool(*words: str | Path) -> str:
    command = [str(PROMTOOL), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="session")
def plain_rules(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The rules as Prometheus reads them, without the envelope of the cluster."""
    folder = tmp_path_factory.mktemp("rules")
    written = []
    for path, document in rule_files().items():
        written.append(folder / path.name)
        written[-1].write_text(yaml.safe_dump(document["spec"]))
    return written


@needs_promtool
def test_prometheus_reads_the_rules(plain_rules: list[Path]) -> None:
    assert "SUCCESS" in promtool("check", "rules", "--lint=all", "--lint-fatal", *plain_rules)


def test_every_alert_has_a_case() -> None:
    assert CASES.keys() == ALERTS.keys()


@needs_promtool
@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_fires_and_clears(name: str, plain_rules: list[Path], tmp_path: Path) -> None:
    case = CASES[name]
    labels = {"severity": ALERTS[name].severity} | case.get("labels", {})
    moments = {"0s": [], case["fires"]: [{"exp_labels": labels}], case["over"]: []}
    test = {
        "rule_files": _without_words(plain_rules, tmp_path),
        "evaluation_interval": "15s",
        "tests": [
            {
                "interval": "15s",
                "input_series": [{"series": one, "values": str(values)} for one, values in case["series"].items()],
                "alert_rule_test": [
                    {"eval_time": moment, "alertname": name, "exp_alerts": expected}
                    for moment, expected in moments.items()
                ],
            }
        ],
    }
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(test))

    promtool("test", "rules", tmp_path / "test.yaml")


def _without_words(plain_rules: list[Path], folder: Path) -> list[str]:
    """promtool compares the sentences too, with their numbers: those are for people."""
    written = []
    for path in plain_rules:
        document = yaml.safe_load(path.read_text())
        for group in document["groups"]:
            for rule in group["rules"]:
                rule.pop("annotations", None)
        written.append(str(folder / path.name))
        Path(written[-1]).write_text(yaml.safe_dump(document))
    return written
