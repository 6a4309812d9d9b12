"""A crowd of buyers at a sale: it comes through the public API, and judges what it was sold from outside."""
