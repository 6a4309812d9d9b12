"""Far more orders than the platform can decide: what it goes on deciding, and what the others are told."""
