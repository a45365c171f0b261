"""Benchmarks that print ratios: everything is measured in one run, on one machine, against a yardstick
beside it.
"""
