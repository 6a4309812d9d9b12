"""The platform on one machine without Docker: embedded stores, a supervisor and a mailbox.

    async with (
        Postgres(home / "postgres", port=5432) as postgres,
        Valkey(home / "valkey", port=6379) as valkey,
        Broker(home / "broker", port=9092, topics=("seats", "bookings")) as broker,
    ):
        await create_schemas(postgres.admin_dsn, {"booking-worker": "a password"})
        dsn = postgres.dsn("booking_worker", "a password", database=DATABASE)
        await valkey.kill()   # as a chaos test does; the data are kept
        await valkey.start()

    async with Supervisor(LogView(sys.stdout, coloured)) as supervisor:
        supervisor.add(Program(name="auth", command=(sys.executable, "-m", "services.auth")))
        await supervisor.wait()  # after `cancel_on_signals()`, until Ctrl-C

The first half is in `services.local.stores`; then `.supervisor`, `.log_view`, `.signals`; the
mailbox is `python -m services.local.mailbox`. Children die with us, `kill -9` included; start them
from the main thread.
"""
