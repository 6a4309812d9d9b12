"""Bookings: the saga that reserves seats, takes the money and confirms, or undoes all of it."""
