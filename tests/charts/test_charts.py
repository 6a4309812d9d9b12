"""Rules that hold for all charts."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import helm_python
import pytest
import yaml

from services.kit.topology import TABLE
from tests.charts.rendering import CHARTS, NAMES, chart, render

APPLICATIONS = [*NAMES, "frontend", "platform", "datastores", "operator"]
EACH = pytest.mark.parametrize("name", APPLICATIONS)
TEMPLATES = sorted(path for path in CHARTS.rglob("templates/*") if path.is_file() and not path.is_symlink())
WARNING = 2


@EACH
def test_strict_lint_finds_nothing(name: str) -> None:
    report = helm_python.lint(CHARTS / name, {}, strict=True, kube_version="v1.30.0")

    assert report["errors"] == []
    assert [message for message in report["messages"] if message["severity"] >= WARNING] == []


@EACH
def test_it_says_what_to_do_next(name: str) -> None:
    notes = chart(name).render({}, name="shop", namespace="box")[f"{name}/templates/NOTES.txt"]

    assert "kubectl" in notes or "box" in notes


@EACH
def test_unknown_values_are_refused(name: str) -> None:
    with pytest.raises(helm_python.HelmValuesError, match="additional properties 'nonsense' not allowed"):
        render(name, {"nonsense": 1})


@EACH
def test_rendering_depends_on_values_name_and_namespace_only(name: str) -> None:
    """So `helm template`, an upgrade and the operator render the same bytes."""
    install = chart(name).render({}, name="shop", namespace="box", is_install=True, revision=1)
    upgrade = chart(name).render({}, name="shop", namespace="box", is_upgrade=True, is_install=False, revision=7)

    assert install == upgrade


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(CHARTS)))
def test_templates_ask_nothing_and_invent_nothing(template: Path) -> None:
    text = template.read_text()

    assert not re.search(r"\blookup\b|\brand[A-Z]|\bgen[A-Z]\w+|\buuidv4\b|\bnow\b|\bhtpasswd\b", text)
    assert not re.search(r"\.Capabilities|helm\.sh/hook|\.Release\.(IsInstall|IsUpgrade|Revision)", text)


@EACH
def test_a_packed_chart_renders_as_its_folder_does(name: str, tmp_path: Path) -> None:
    packed = helm_python.package(CHARTS / name, destination=tmp_path)

    objects = helm_python.Chart.load(packed).render({}, name="shop", namespace="box")

    assert objects == chart(name).render({}, name="shop", namespace="box")


def test_a_checkout_needs_no_dependency_build() -> None:
    """Links lead to what Chart.yaml declares, inside the repository."""
    for name in (*APPLICATIONS, "workload"):
        declared = yaml.safe_load((CHARTS / name / "Chart.yaml").read_text()).get("dependencies", [])
        assert {path.name for path in (CHARTS / name).glob("charts/*")} == {row["name"] for row in declared}
        for row in declared:
            there = (CHARTS / name / row["repository"].removeprefix("file://")).resolve()
            assert (CHARTS / name / "charts" / row["name"]).resolve() == there
            assert yaml.safe_load((there / "Chart.yaml").read_text())["version"] == row["version"]


def test_the_table_is_read_where_it_is() -> None:
    assert (CHARTS / "workload/values.yaml").readlink() == Path("../../topology.yaml")
    assert (CHARTS / "workload/values.yaml").resolve() == TABLE


def test_all_charts_have_one_version() -> None:
    files = [yaml.safe_load((CHARTS / name / "Chart.yaml").read_text()) for name in APPLICATIONS]
    version = re.search(r'^version = "(.*)"', (TABLE.parent / "pyproject.toml").read_text(), re.MULTILINE)

    assert version
    assert {chart["version"] for chart in files} == {chart["appVersion"] for chart in files} == {version[1]}


def test_the_platform_renders_what_its_services_render() -> None:
    """Both doors, one set of bytes."""
    shared = {"image": {"tag": "7"}, "public": {"host": "t.example.com"}, "autoscaling": {"mode": "cpu"}}
    separate = [thing for name in NAMES for thing in render(name, shared)]

    together = render("platform", {"global": shared})

    def key(thing):
        return thing["kind"], thing["metadata"]["name"]

    assert sorted(together, key=key) == sorted(separate, key=key)


@pytest.mark.parametrize("name", ["auth", "realtime", "datastores"])
def test_manifests_are_as_reviewed(name: str) -> None:
    """`GOLDEN=write make test-charts` writes them anew; the difference is for whoever reviews the change."""
    values = yaml.safe_load((Path(__file__).parent / "golden" / f"{name}.values.yaml").read_text())
    golden = Path(__file__).parent / "golden" / f"{name}.yaml"
    text = yaml.safe_dump_all(render(name, values), sort_keys=False, width=120)

    if os.environ.get("GOLDEN") == "write":
        golden.write_text(text)

    assert text == golden.read_text()


def test_secrets_of_the_script_are_those_that_pods_ask_for(tmp_path: Path) -> None:
    import subprocess

    bash = shutil.which("bash")
    assert bash
    printed = subprocess.run([bash, TABLE.parent / "k8s/secrets"], capture_output=True, text=True, check=True)  # noqa: S603
    made = {secret["metadata"]["name"]: secret["stringData"] for secret in yaml.safe_load_all(printed.stdout)}

    asked = set()
    for thing in [*render("platform"), *render("datastores")]:
        text = yaml.safe_dump(thing)
        references = re.findall(r"secretKeyRef:\n(\s+)key: (\S+)\n\s+name: (\S+)\n(\s+optional: true)?", text)
        asked |= {(name, key) for _, key, name, optional in references if not optional}

    assert asked == {(name, key) for name, keys in made.items() for key in keys}
    assert all(len(value) >= 16 for keys in made.values() for key, value in keys.items() if key != "username")
    roles = {name: keys["username"] for name, keys in made.items() if name.endswith("-postgres")}
    assert roles == {name: name.removesuffix("-postgres").replace("-", "_") for name in roles}
