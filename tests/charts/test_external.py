"""The examples with stores of one's own agree with the table and with what the charts ask for."""

from __future__ import annotations

import yaml

from services.kit.bus.topics import PARTITIONS, topics_of
from services.kit.topology import TABLE, topology
from tests.charts.rendering import Object, containers, environment, one, pod_of, render

EXTERNAL = TABLE.parent / "k8s/external"
OWNERS = [row.name for row in topology().python_services if "postgres" in row.data]


def documents(name: str) -> list[Object]:
    return list(yaml.safe_load_all((EXTERNAL / name).read_text()))


def test_every_service_has_its_role_its_password_and_its_schema() -> None:
    cluster, database = documents("cloudnativepg.yaml")

    roles = {role["name"]: role["passwordSecret"]["name"] for role in cluster["spec"]["managed"]["roles"]}
    schemas = {schema["name"]: schema["owner"] for schema in database["spec"]["schemas"]}

    assert roles == {name.replace("-", "_"): f"{name}-postgres" for name in OWNERS}
    assert schemas == {role: role for role in roles}
    assert database["spec"]["name"] == "ticketing"


def test_every_topic_is_declared() -> None:
    topics = [thing for thing in documents("strimzi.yaml") if thing["kind"] == "KafkaTopic"]

    assert {topic["metadata"]["name"] for topic in topics} == {
        name for service in topology().services for name in topics_of(service)
    }
    assert {topic["spec"]["partitions"] for topic in topics} == {PARTITIONS}


def test_the_platform_is_told_where_they_are_and_makes_nothing_there() -> None:
    (values,) = documents("values.yaml")
    (kafka,) = [thing for thing in documents("strimzi.yaml") if thing["kind"] == "Kafka"]

    objects = render("platform", values)

    told = environment(pod_of(one(objects, "Deployment", "auth"))["containers"][0])
    assert told["POSTGRES_HOST"] == "postgres-rw"
    assert told["KAFKA_BROKERS"] == f"{kafka['metadata']['name']}-kafka-bootstrap:9092"
    jobs = [thing for thing in objects if thing["kind"] == "Job"]
    assert {container["name"] for job in jobs for container in containers(job)} == {"migrate"}
