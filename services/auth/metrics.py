"""What auth counts, in its own words."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

REGISTRATIONS: Final = Counter("registrations_total", "Attempts to register, by outcome.", ["outcome"])
LOGINS: Final = Counter("logins_total", "Attempts to log in, by outcome.", ["outcome"])
REFRESHES: Final = Counter("token_refreshes_total", "Refresh tokens presented, by outcome.", ["outcome"])
THROTTLE_FAILURES: Final = Counter(
    "login_throttle_failures_total", "Logins that were let through because the throttle could not be asked."
)
PASSWORDS_WAITING: Final = Gauge("passwords_waiting", "Passwords being hashed or waiting for it.")
PASSWORD_SECONDS: Final = Histogram(
    "password_hash_seconds",
    "Time to hash a password, waiting included.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
