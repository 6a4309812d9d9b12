"""NetworkPolicies say no more than the table does."""

from __future__ import annotations

import pytest

from services.kit.topology import SUPPORT, Service, topology
from tests.charts.rendering import NAMES, SERVICES, Object, one, render

MODES = ("off", "permissive", "strict")
EACH = pytest.mark.parametrize("service", SERVICES, ids=NAMES)


def policy(name: str, **values: object) -> Object:
    return one(render(name, {"networkPolicies": values} if values else {}), "NetworkPolicy")["spec"]


@EACH
def test_nothing_comes_in_or_goes_out_unsaid(service: Service) -> None:
    spec = policy(service.name)

    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert {} not in [*spec["ingress"], *spec["egress"]]


@EACH
def test_only_callers_of_the_table_reach_its_rpc(service: Service) -> None:
    rules = [rule for rule in policy(service.name)["ingress"] if {"port": "grpc"} in rule["ports"]]
    assert all({"port": "mesh"} in rule["ports"] for rule in rules)

    callers = sorted(topology().callers_of(service.name))

    if not callers:
        assert rules == []
        return
    (rule,) = rules
    ((who,),) = [peer["podSelector"]["matchExpressions"] for peer in rule["from"]]
    assert who == {"key": "app.kubernetes.io/name", "operator": "In", "values": callers}


@EACH
def test_it_reaches_its_peers_its_stores_and_dns(service: Service) -> None:
    egress = policy(service.name)["egress"]

    peers = {
        rule["to"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/name"]: [one["port"] for one in rule["ports"]]
        for rule in egress
        if "to" in rule
    }
    anywhere = {port["port"] for rule in egress if "to" not in rule for port in rule["ports"]}

    ports = {peer: topology().services[peer].ports for peer in service.calls}
    assert peers == {peer: [of["grpc"], of["mesh"]] for peer, of in ports.items()}
    mail = {25} if service.name == "email-worker" else set()
    assert anywhere == {53, *(topology().stores[store] for store in service.data)} | mail


@EACH
def test_policies_do_not_change_with_the_mode_of_the_mesh(service: Service) -> None:
    """They change at once and pods one by one: on the way from one mode to the next a policy would cut calls."""
    policies = [one(render(service.name, {"mesh": {"mtls": mode}}), "NetworkPolicy") for mode in MODES]

    assert policies[0] == policies[1] == policies[2]


def test_who_may_be_reached_is_who_is_granted_something() -> None:
    """Policies come from `calls`, the servers' own refusals from `grants`: one matrix."""
    for service in topology().services.values():
        # Who looks after the platform comes by port-forward, from no pod.
        granted = {caller for callers in service.granted.values() for caller in callers} - {SUPPORT}
        assert granted == set(topology().callers_of(service.name)), service.name


def test_only_routes_are_open_to_the_public() -> None:
    open_to_all = {
        service.name
        for service in SERVICES
        for rule in policy(service.name)["ingress"]
        if "from" not in rule and rule["ports"] == [{"port": "http"}]
    }

    assert open_to_all == {"gateway", "realtime", "payment"}


def test_stripe_is_reached_only_where_it_is_used() -> None:
    def ports(provider: str) -> list[object]:
        spec = one(render("payment", {"payments": {"provider": provider}}), "NetworkPolicy")["spec"]
        return [port["port"] for rule in spec["egress"] for port in rule["ports"]]

    assert 443 not in ports("sandbox")
    assert 443 in ports("stripe")


def test_every_broker_is_reached_on_its_own_port() -> None:
    brokers = {"stores": {"kafka": {"brokers": "one:9092,two:9192"}}}

    egress = one(render("user", brokers), "NetworkPolicy")["spec"]["egress"]

    assert [{"port": 9092}, {"port": 9192}] in [rule["ports"] for rule in egress]


def test_brokers_on_one_port_are_one_port() -> None:
    """A list of ports with one of them twice would never compare as what was asked for."""
    brokers = {"stores": {"kafka": {"brokers": "one:9092,two:9092,three:9092"}}}

    egress = one(render("user", brokers), "NetworkPolicy")["spec"]["egress"]

    assert [{"port": 9092}] in [rule["ports"] for rule in egress]


def test_where_stores_are_can_be_narrowed() -> None:
    database = [{"ipBlock": {"cidr": "10.1.2.3/32"}}]

    egress = policy("user", postgresTo=database)["egress"]

    assert database in [rule.get("to") for rule in egress]


def test_policies_can_be_left_out() -> None:
    objects = render("user", {"networkPolicies": {"enabled": False}})

    assert "NetworkPolicy" not in {thing["kind"] for thing in objects}
