"""Writes that wait for a yes (level `ask`)."""
