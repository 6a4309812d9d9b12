"""The web app beside the ten services: it gets `/`, and the gateway keeps what is its own."""

from __future__ import annotations

from collections.abc import Sequence

from services.kit.topology import topology
from tests.charts.rendering import Object, environment, kinds, one, pod_of, render

ROW = topology().services["frontend"]
HOST = {"host": "tickets.example.com", "ingress": {"enabled": True, "tlsSecretName": "tls"}}
WITH = {"global": {"webApp": {"enabled": True}, "public": HOST}}


def paths(objects: Sequence[Object], name: str) -> list[str]:
    (rule,) = one(objects, "Ingress", name)["spec"]["rules"]
    return [path["path"] for path in rule["http"]["paths"]]


def test_it_is_left_out_unless_asked_for() -> None:
    names = {thing["metadata"]["name"] for thing in render("platform")}

    assert "frontend" not in names
    assert "frontend" in {thing["metadata"]["name"] for thing in render("platform", WITH)}


def test_no_path_of_the_public_has_two_owners() -> None:
    without, beside = render("platform", {"global": {"public": HOST}}), render("platform", WITH)

    assert paths(without, "gateway") == ["/"]
    assert paths(beside, "frontend") == ["/"]
    everybodys = [path for name in ("frontend", "gateway", "realtime", "payment") for path in paths(beside, name)]
    assert len(everybodys) == len(set(everybodys))
    assert {"/api", "/docs", "/ws", "/webhooks"} <= set(everybodys)


def test_it_is_told_where_the_gateway_and_the_socket_are() -> None:
    (container,) = pod_of(one(render("platform", WITH), "Deployment", "frontend"))["containers"]

    told = environment(container)

    assert told["PORT"] == str(ROW.ports["http"])
    assert told["GATEWAY_URL"] == f"http://gateway:{topology().services['gateway'].ports['http']}"
    assert told["SOCKET_URL"] == "wss://tickets.example.com/ws"
    assert told["COOKIE_SECURE"] == "true"
    assert container["readinessProbe"]["httpGet"] == {"port": "http", "path": ROW.health.path}


def test_without_a_public_address_it_is_for_this_machine() -> None:
    told = environment(pod_of(one(render("frontend"), "Deployment"))["containers"][0])

    assert told["SOCKET_URL"] == f"ws://localhost:{topology().services['realtime'].ports['http']}/ws"
    assert told["COOKIE_SECURE"] == "false"


def test_its_server_reaches_the_gateway_and_nobody_else() -> None:
    objects = render("platform", WITH)
    ours, gateways = (one(objects, "NetworkPolicy", name)["spec"] for name in ("frontend", "gateway"))
    mine = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "frontend"}}}

    peers = [rule["to"] for rule in ours["egress"] if "to" in rule]

    assert peers == [[{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "gateway"}}}]]
    assert {"from": [mine], "ports": [{"port": "http"}]} in gateways["ingress"]


def test_it_has_no_metrics_no_schema_and_no_stores() -> None:
    objects = render("frontend", {"monitoring": {"serviceMonitors": True}})

    assert kinds(objects) == ["Deployment", "NetworkPolicy", "Service", "ServiceAccount"]
