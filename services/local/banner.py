"""What somebody who started the platform wants to know next."""

from collections.abc import Sequence

from services.local.environment import ADMIN_EMAIL, ORGANISER_EMAIL
from services.local.platform import Platform
from services.local.ports import service_port
from services.local.prometheus import prometheus_url, prometheus_wanted
from services.local.samples import Sample
from services.local.web_app import OLDEST_NODE


def banner(running: Platform, samples: Sequence[Sample], *, web_app: bool) -> str:
    """Addresses, accounts, and a purchase to paste into another terminal."""
    gateway = running.url("gateway")
    payment = service_port("payment", "http")
    lines = [
        "",
        "The platform runs.",
        f"  web app    {running.url('frontend')}   (after a change it is built first: a minute)"
        if web_app
        else f"  web app    needs Node {OLDEST_NODE} or newer, which is not here; everything else runs without",
        f"  API        {gateway}/docs   (OpenAPI: {gateway}/openapi.json)",
        f"  sockets    {running.url('realtime', scheme='ws')}/ws",
        f"  mailbox    {running.mailbox_url}",
        *([f"  metrics    {prometheus_url()}"] if prometheus_wanted() else []),
        f"  sandbox    http://localhost:{payment}/sandbox/intents   (no money moves)",
        f"  organiser  {ORGANISER_EMAIL}  {running.secrets.organiser_password}",
        f"  admin      {ADMIN_EMAIL}  {running.secrets.admin_password}",
        "  on sale",
        *(f"    {sample.event_id}  {sample.title}" for sample in samples),
        "",
        "Buy a ticket:",
        *_purchase(gateway, samples[-1].event_id),
        "",
        "Ctrl-C stops everything.",
    ]
    return "\n".join(lines)


def _purchase(gateway: str, event_id: str) -> Sequence[str]:
    who = '{"email": "ada@example.com", "password": "a long password", "name": "Ada"}'
    places = '[{"section_id": "FLOOR", "quantity": 2}]'
    order = f'{{"event_id": "{event_id}", "areas": {places}, "payment_method": "pm_card_visa"}}'
    json = "-H 'Content-Type: application/json'"
    bearer = '-H "Authorization: Bearer $TOKEN"'
    return [
        f"  TOKEN=$(curl -s {gateway}/api/v1/auth/register {json} -d '{who}' |",
        '    grep -o \'"access_token": *"[^"]*"\' | cut -d\'"\' -f4)',
        f"  curl -s {gateway}/api/v1/bookings {bearer} {json} -d '{order}'",
        f"  curl -s {gateway}/api/v1/bookings {bearer}",
    ]
