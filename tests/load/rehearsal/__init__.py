"""A sale while everything breaks: a seeded schedule of faults, those who inject them, and a verdict at the end."""
