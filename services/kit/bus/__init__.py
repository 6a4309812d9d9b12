"""Facts between services: CloudEvents 1.0 in binary mode over Kafka, keyed by aggregate."""
