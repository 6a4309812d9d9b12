"""Works off the queues: orders go to booking in the order they came, outcomes go to the buyers."""
