"""Events and venues as values: what they may hold, which state follows which, how they are searched."""
