"""Patchbay: one MCP address for the business apps a company already uses.

This package is inert on purpose: importing it starts nothing. Start reading in `factory.py`, the only module
that imports every package.
"""
