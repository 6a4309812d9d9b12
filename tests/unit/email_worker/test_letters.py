"""What a buyer reads: the right words, and nothing that others smuggled in."""

from dataclasses import replace

import pytest

from services.email_worker.domain import Details, Kind
from services.email_worker.letters import Letters
from services.email_worker.ports import Undeliverable
from services.kit.money import Money
from tests.twins.mails import AT, a_lease, a_mail, a_recipient, a_show, a_ticket, body, opened, pictures

LETTERS = Letters(sender="Ticketing <tickets@example.com>", site_url="https://tickets.example/")
KINDS = {
    Kind.TICKETS: Details(tickets=(a_ticket(1), a_ticket(2)), total=Money(2500, "EUR")),
    Kind.CANCELLED: Details(refunded=Money(2500, "EUR"), reason="event-cancelled"),
    Kind.REJECTED: Details(reason="insufficient-funds"),
    Kind.PAYMENT: Details(expires_at=AT),
}


def test_tickets_come_with_place_price_total_and_the_time_at_the_venue() -> None:
    mail = opened(LETTERS.render(a_lease()).content)

    text = body(mail, "plain")

    assert mail["Subject"] == "Your tickets for Night of the Organ"
    assert "Section A, row 3, seat 2 - 12.50 EUR" in text
    assert "Total: 25.00 EUR" in text
    assert "Friday, 14 June 2030, 20:00 (CEST)" in text
    assert "Minster, Ulm" in text


def test_germans_are_written_to_in_german() -> None:
    leased = a_lease(recipient=a_recipient(language="de-AT", name="Jörg"))

    mail = opened(LETTERS.render(leased).content)

    assert mail["Subject"] == "Ihre Tickets für Night of the Organ"
    assert "Guten Tag Jörg" in body(mail, "plain")
    assert "Gesamt: 25,00 EUR" in body(mail, "html")
    assert "Freitag, 14. Juni 2030, 20:00 Uhr (CEST)" in body(mail, "plain")
    assert 'lang="de"' in body(mail, "html")


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("kind", Kind)
def test_every_kind_is_written_in_text_and_html_in_every_language(kind: Kind, language: str) -> None:
    leased = a_lease(a_mail(kind=kind, details=KINDS[kind]), recipient=a_recipient(language=language))

    mail = opened(LETTERS.render(leased).content)

    for part in ("plain", "html"):
        assert "Night of the Organ" in body(mail, part)
        assert f"https://tickets.example/bookings/{leased.mail.booking_id}" in body(mail, part)
    assert f'lang="{language}"' in body(mail, "html")


def test_there_is_one_picture_a_ticket_and_the_html_shows_each() -> None:
    mail = opened(LETTERS.render(a_lease()).content)

    ids = [part["Content-ID"].strip("<>") for part in pictures(mail)]

    assert len(set(ids)) == 2
    assert all(f'src="cid:{one}"' in body(mail, "html") for one in ids)
    assert all(part.get_content().startswith(b"\x89PNG") for part in pictures(mail))
    assert [part.get_filename() for part in pictures(mail)] == ["ticket-1.png", "ticket-2.png"]


def test_a_cancellation_says_what_goes_back_and_why_the_event_is_off() -> None:
    cancelled = a_mail(kind=Kind.CANCELLED, details=KINDS[Kind.CANCELLED])

    mail = opened(LETTERS.render(a_lease(cancelled, cancel_reason="The organ is <broken>")).content)

    assert "We return 25.00 EUR" in body(mail, "plain")
    assert "The organ is <broken>" in body(mail, "plain")
    assert "The organ is &lt;broken&gt;" in body(mail, "html")


@pytest.mark.parametrize(("language", "sentence"), [("en", "places were gone"), ("de", "vergeben waren")])
def test_money_that_came_too_late_is_explained_and_no_tickets_are_mentioned(language: str, sentence: str) -> None:
    details = replace(KINDS[Kind.CANCELLED], reason="paid-too-late")
    leased = a_lease(a_mail(kind=Kind.CANCELLED, details=details), recipient=a_recipient(language=language))

    mail = opened(LETTERS.render(leased).content)

    for part in ("plain", "html"):
        assert sentence in body(mail, part)
        assert "EUR" in body(mail, part)
        assert not any(tickets in body(mail, part) for tickets in ("no longer valid", "nicht mehr gültig"))


def test_markup_in_a_title_is_text() -> None:
    leased = a_lease(show=a_show(title="<script>alert(1)</script>{{ 7 * 7 }}"))

    mail = opened(LETTERS.render(leased).content)

    assert "<script>" not in body(mail, "html")
    assert "{{ 7 * 7 }}" in body(mail, "html")


@pytest.mark.parametrize(
    "evil", ["x\r\nBcc: all@example.com", "x\nBcc: all@example.com", "x\u2028Bcc: all@example.com"]
)
def test_no_name_or_title_starts_a_header_of_its_own(evil: str) -> None:
    leased = a_lease(recipient=a_recipient(name=evil), show=a_show(title=evil))

    mail = opened(LETTERS.render(leased).content)

    assert mail["Bcc"] is None
    assert mail["To"].addresses[0].addr_spec == "ada@example.com"
    assert len(mail["To"].addresses) == 1


@pytest.mark.parametrize("name", ['"Ada" <x@example.com>,', "Ada, Bo", "=?utf-8?q?x?=", "Żółć " * 40, "字" * 100])
def test_whatever_the_name_the_mail_goes_to_one_address(name: str) -> None:
    leased = a_lease(recipient=a_recipient(name=name))

    content = LETTERS.render(leased).content
    mail = opened(content)

    assert [one.addr_spec for one in mail["To"].addresses] == ["ada@example.com"]
    assert max(map(len, content.split(b"\r\n"))) < 998


def test_the_same_mail_is_the_same_bytes_at_every_try() -> None:
    leased = a_lease()

    first, second = LETTERS.render(leased), LETTERS.render(leased)

    assert first == second
    assert opened(first.content)["Message-ID"] == leased.mail.message_id
    assert opened(first.content)["X-Booking-Id"] == leased.mail.booking_id


def test_lines_end_as_mail_lines_do() -> None:
    content = LETTERS.render(a_lease()).content

    assert b"\n" not in content.replace(b"\r\n", b"")


def test_a_qr_payload_that_fits_no_code_can_not_be_sent() -> None:
    details = Details(tickets=(a_ticket(qr="x" * 5000),))

    with pytest.raises(Undeliverable):
        LETTERS.render(a_lease(a_mail(details=details)))


def test_a_venue_in_no_known_zone_is_told_in_utc() -> None:
    mail = opened(LETTERS.render(a_lease(show=a_show(timezone="../../etc/passwd"))).content)

    assert "18:00 (UTC)" in body(mail, "plain")
