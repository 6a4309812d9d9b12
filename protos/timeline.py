"""The contract of a booking's timeline: what each code means, in a sentence. Codes stay; sentences may change.

booking tells what it knows of a booking, the gateway what the line knows of an order, in the same words.
"""

from typing import Final

SENTENCES: Final = {
    # The line
    "queued": "The order joined the line of the event.",
    "waiting": "The order is still in line.",
    "left-line": "The order left the line without becoming a booking.",
    "taken": "Its turn came: the order was taken out of the line.",
    # The saga: what was begun, and how it ended
    "reserving": "The seats were asked for.",
    "held": "The seats were held for this booking.",
    "charging": "The payment was begun.",
    "issuing": "The payment was made; the tickets were asked for.",
    "waits-for-buyer": "The payment needs the buyer; the seats are held meanwhile.",
    "rests": "A part of the platform did not answer; the booking rested and was taken up again.",
    "parked": "A part of the platform did not answer for too long; the booking waits for somebody of ours.",
    "resumed": "Somebody of ours let the booking go on from where it stood.",
    "undoing-tickets": "The tickets were taken back.",
    "undoing-payment": "The payment was undone, so that no money is kept.",
    "undoing-seats": "The seats were given back.",
    "confirmed": "The booking was confirmed and its tickets were issued.",
    "rejected": "The booking was rejected; nothing was sold and no money was kept.",
    "cancelled": "The booking was cancelled; seats and money went back.",
    # What the payment service provider answered
    "payment-succeeded": "The payment provider took the money.",
    "payment-failed": "The payment provider refused the payment.",
    "payment-cancelled": "The payment was cancelled before money moved.",
    "payment-refunded": "The payment provider gave money back.",
    # Mails
    "mail-sent": "A mail was handed to the buyer's mail server.",
    "mail-failed": "A mail could not be delivered, and will not be tried again.",
    # The reconciler
    "repaired": "A contradiction was found afterwards and put right.",
}


def sentence(code: str) -> str:
    """One that a newer service tells is at least named."""
    return SENTENCES.get(code) or f"{code.replace('-', ' ').replace('_', ' ').capitalize()}."
