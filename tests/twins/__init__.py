"""Doubles that keep the promises of the real thing: each passes the contract suite of its port."""
