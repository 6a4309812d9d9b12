"""PostgreSQL: transactions, the outbox and inbox, migrations."""
