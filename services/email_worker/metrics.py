"""What email-worker counts."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

MAILS: Final = Counter(
    "mails_total", "Mails, by kind and what became of a try: sent, failed, waiting, withdrawn.", ["kind", "result"]
)
WAITING: Final = Gauge("mails_waiting", "Mails that were not sent yet, as last counted.")
OLDEST: Final = Gauge("mails_oldest_waiting_seconds", "How long the most overdue mail is overdue, as last counted.")
SMTP_DURATION: Final = Histogram(
    "mail_smtp_duration_seconds",
    "Time from handing a mail to the mail server to its word.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
RENDER_DURATION: Final = Histogram(
    "mail_render_duration_seconds",
    "Time to write a mail with its QR codes.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1),
)
