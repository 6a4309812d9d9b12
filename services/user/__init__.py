"""Profiles and addresses."""
