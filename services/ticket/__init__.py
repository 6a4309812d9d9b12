"""Seats: who may sit where, sold once."""
