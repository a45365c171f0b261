"""Pages about the product and the installation, for everyone: documentation, privacy, terms, security.txt.

May import: the floor and `web`. Start reading in `routes.py`, then `markdown.py` and `documentation.py`.

Decided: the documentation of the product is the files in docs/, rendered. There is no second text to keep.

Decided: privacy and terms have a default text, which says what the software stores. Only the operator knows
the rest (who they are, where it runs, whom to ask), so they set a file or an address of their own.

Decided: Markdown is rendered without raw HTML, so neither a page of ours nor an operator's file can bring
scripts or styles past the Content-Security-Policy.
"""
