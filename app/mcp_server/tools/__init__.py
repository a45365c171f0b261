"""The tools that belong to no single service, and how one is declared: start reading in `spec.py`."""
