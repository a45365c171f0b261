"""Patchbay: one MCP address for the business apps a company already uses.

This package is inert on purpose: importing it starts nothing. Start reading in
`factory.py`, which is the only module that knows every package.
"""
