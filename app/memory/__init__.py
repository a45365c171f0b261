"""Saved notes: what a person asks an AI client to remember, for themselves or shared with the workspace.

May import everything up to `usage`; `mcp_server` offers the tools of `tools.py`, which know nothing of MCP.
Start reading in `notebook.py`.

Decided:
- Only the author edits a note or changes whether it is shared. Owners and admins may delete a shared note,
  since its author may have left.
- Saving only adds, so that a client need not ask before each save. A wrong note is deleted and saved anew, or
  edited on the page. Saving the same text again returns the existing note.
- Both databases index `words`, which we compute (`search.py`): lower case, no accents, pairs for scripts
  without spaces. So a search finds the same on SQLite (FTS5) and on PostgreSQL (tsvector).
- A search finds notes with any of its words; notes with more and rarer words come first. An AI client asks in
  sentences, and one missing word must not hide the note.
- The tables and triggers of the index are written by hand in the migration; `models.is_described` names them.
"""
