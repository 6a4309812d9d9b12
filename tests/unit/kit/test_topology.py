"""The table agrees with itself."""

from services.kit.topology import topology


def test_calls_name_services_that_serve_grpc() -> None:
    for row in topology().services.values():
        for peer in row.calls:
            assert "grpc" in topology().services[peer].ports


def test_no_two_services_share_a_port_on_one_host() -> None:
    used = [port for row in topology().services.values() for port in row.local_ports.values()]
    used += [*topology().stores.values(), *topology().mailbox.values(), *topology().observe.values()]

    assert len(used) == len(set(used))


def test_a_topic_is_written_by_a_service_that_has_kafka_and_a_database() -> None:
    for producer in topology().topics.values():
        assert {"kafka", "postgres"} <= set(topology().services[producer].data)
