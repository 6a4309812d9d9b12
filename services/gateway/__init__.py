"""The gateway: the public REST API in front of the services, and the door of the booking queue."""
