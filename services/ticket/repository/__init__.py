"""Places, holds, tickets and keys in PostgreSQL."""
