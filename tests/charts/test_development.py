"""What a person's own cluster is made from: the Tiltfile, run as Tilt would, and kind's configuration."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import starlark
import yaml

from services.kit.topology import TABLE, topology
from tests.charts.rendering import NAMES, SERVICES, containers, environment, one, render, workloads

ROOT = TABLE.parent
# What Tilt adds to the language, as functions that only say what they were given.
VALUES = ("sync", "run", "fall_back_on", "link")
CALLS = (
    "allow_k8s_contexts",
    "docker_build",
    "helm",
    "k8s_resource",
    "k8s_yaml",
    "local",
    "local_resource",
    "watch_file",
)


@dataclass
class Tilt:
    """A run of the Tiltfile: every call it made."""

    calls: dict[str, list[tuple[tuple[Any, ...], dict[str, Any]]]] = field(default_factory=dict)

    def named(self, function: str) -> dict[str, dict[str, Any]]:
        return {str(words[0]): options for words, options in self.calls[function]}


def tilt(subcommand: str = "up") -> Tilt:
    done = Tilt()
    module = starlark.Module()

    def recorder(name: str) -> Callable[..., Any]:
        def record(*words: Any, **options: Any) -> Any:
            done.calls.setdefault(name, []).append((words, options))
            return name

        return record

    def value(name: str) -> Callable[..., Any]:
        return lambda *words, **_: [name, *words]

    for name in CALLS:
        module.add_callable(name, recorder(name))
    for name in VALUES:
        module.add_callable(name, value(name))
    module.add_callable("read_yaml", lambda path: yaml.safe_load((ROOT / path).read_text()))
    module["TRIGGER_MODE_MANUAL"] = "manual"
    dialect = starlark.Dialect.extended()
    dialect.enable_top_level_stmt = True
    dialect.enable_keyword_only_arguments = True
    text = f"config = struct(tilt_subcommand = '{subcommand}')\n" + (ROOT / "Tiltfile").read_text()
    builtins = starlark.Globals.extended_by([starlark.LibraryExtension.StructType])
    starlark.eval(module, starlark.parse("Tiltfile", text, dialect), builtins)
    return done


def test_every_service_of_the_table_is_built_updated_and_shown() -> None:
    done = tilt()

    images, shown = done.named("docker_build"), done.named("k8s_resource")

    assert images.keys() == {f"localhost/ticketing/{name}" for name in (*NAMES, "mailbox")}
    assert shown.keys() == {*NAMES, *topology().stores, "mailbox"}
    for service in SERVICES:
        image = images[f"localhost/ticketing/{service.name}"]
        assert image["build_args"]["SERVICE"] == service.name
        synced = {step[1]: step[2] for step in image["live_update"] if step[0] == "sync"}
        assert synced[service.folder] == f"/app/{service.folder}"
        assert set(shown[service.name]["port_forwards"]) == {
            port for name, port in service.ports.items() if name not in ("mesh", "metrics")
        }
        assert shown[service.name]["resource_deps"] == list(service.data)


def test_what_is_built_exists_and_is_all_that_an_image_copies() -> None:
    for image in tilt().named("docker_build").values():
        assert [path for path in image["only"] if not (ROOT / path).exists()] == []
        synced = [step[1] for step in image.get("live_update", ()) if step[0] == "sync"]
        assert all(any(path.startswith(only) for only in image["only"]) for path in synced)


def test_the_charts_are_rendered_with_values_they_take() -> None:
    releases = tilt().named("helm")

    platform = releases["charts/platform"]
    values = yaml.safe_load((ROOT / platform["values"][0]).read_text())
    assert platform["set"] == ["global.readOnlyRoot=false", "global.image.tag=tilt"]
    values["global"] |= {"readOnlyRoot": False, "image": {"tag": "tilt"}}
    objects = render("platform", values, name=platform["name"], namespace=platform["namespace"])
    images = {container["image"].partition(":")[0] for thing in workloads(objects) for container in containers(thing)}
    stores = yaml.safe_load((ROOT / releases["charts/datastores"]["values"][0]).read_text())
    mailbox = containers(one(render("datastores", stores), "Deployment", "mailbox"))[0]["image"].partition(":")[0]
    assert images | {mailbox} == tilt().named("docker_build").keys()


@pytest.mark.parametrize(("subcommand", "starts"), [("up", set()), ("ci", {"sale"})])
def test_a_batch_run_ends_with_a_sale(subcommand: str, starts: set[str]) -> None:
    buttons = tilt(subcommand).named("local_resource")

    assert buttons.keys() == {"migrate", "sale", "tests"}
    assert {name for name, button in buttons.items() if button["auto_init"]} == starts
    assert set(buttons["sale"]["resource_deps"]) == set(NAMES)


def test_kind_brings_the_tables_ports_to_this_machine() -> None:
    """The reference's commands work as they are written: `curl localhost:3000/health`."""
    config = yaml.safe_load((ROOT / "kind-config.yaml").read_text())

    mapped = {row["hostPort"]: row["containerPort"] for row in config["nodes"][0]["extraPortMappings"]}

    rows = topology().services.values()
    wanted = {port for row in rows for name, port in row.ports.items() if name not in ("mesh", "metrics")}
    wanted.add(topology().mailbox["http"])
    assert mapped == {port: 30000 + port % 1000 for port in wanted}
    values = yaml.safe_load((ROOT / "k8s/values/development.yaml").read_text())
    stores = yaml.safe_load((ROOT / "k8s/values/development-stores.yaml").read_text())
    objects = [*render("platform", values), *render("datastores", stores)]
    nodes = {
        port["port"]: port["nodePort"]
        for thing in objects
        if thing["kind"] == "Service" and thing["spec"].get("type") == "NodePort"
        for port in thing["spec"]["ports"]
        if "nodePort" in port
    }
    frontend = topology().services["frontend"].ports["http"]
    assert nodes == {port: node for port, node in mapped.items() if port != frontend}


def test_a_crowd_from_one_machine_is_let_in() -> None:
    values = yaml.safe_load((ROOT / "k8s/values/development.yaml").read_text())

    gateway = one(render("platform", values), "Deployment", "gateway")

    assert environment(containers(gateway)[0])["RATE_LIMIT_ADDRESS_PER_MIN"] == "0"


def test_a_signal_starts_the_service_again_with_the_code_that_is_there(tmp_path: Path) -> None:
    shutil.copy(ROOT / "services/start-again", tmp_path)
    (tmp_path / "start").write_text(f"#!/bin/sh\ncat {tmp_path}/code >> {tmp_path}/ran\nexec sleep 60\n")
    (tmp_path / "start").chmod(0o755)
    (tmp_path / "code").write_text("one\n")
    process = subprocess.Popen([tmp_path / "start-again"])  # noqa: S603

    try:
        until(lambda: _read(tmp_path / "ran") == "one\n")
        (tmp_path / "code").write_text("two\n")
        process.send_signal(signal.SIGHUP)
        until(lambda: _read(tmp_path / "ran") == "one\ntwo\n")
        process.terminate()
        code = process.wait(10)
    finally:
        process.kill()

    assert code == 128 + signal.SIGTERM


def until(condition: Callable[[], bool], *, within_s: float = 20.0) -> None:
    ends = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < ends, "it did not come to that"
        time.sleep(0.02)


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""
