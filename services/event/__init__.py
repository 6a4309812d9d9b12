"""Venues and events: drafted, put on sale, found, cancelled."""
