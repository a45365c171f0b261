"""This package has no tables: it changes and deletes rows of other packages."""
