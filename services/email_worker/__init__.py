"""Mails: tickets, cancellations and reminders, each sent once."""
