"""This package has no table of its own: it changes and ends what the others keep."""
