"""The operator: one TicketingPlatform in, a running platform out. It knows the table of services, and no service."""
