"""The page `/memory`: read, search, write, edit, share and delete saved notes."""

from flask import Blueprint, Flask, abort, flash, g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.config import Settings
from app.database import reading, transaction
from app.errors import InvalidInput
from app.memory import page
from app.memory.models import LONGEST_TEXT, LONGEST_TITLE
from app.memory.notebook import MOST_NOTES, Notebook
from app.web.fragments import fragment_or_redirect, wants_fragment
from app.web.limits import limiter
from app.workspaces.guard import member, person_or_address

bp = Blueprint("memory", __name__)


def install(app: Flask, settings: Settings) -> None:
    """Register the page."""
    app.register_blueprint(bp)


@bp.get("/memory")
@member
def show() -> ResponseReturnValue:
    """The newest notes, or with `?q=` those that match."""
    return _page()


@bp.post("/memory")
@limiter.limit("120/minute", key_func=person_or_address)
@member
def save() -> ResponseReturnValue:
    """Save a note written on the page."""
    form = request.form
    try:
        with transaction() as db:
            Notebook(db, page.reader_of(g.member)).save(
                form.get("text", ""), title=form.get("title", ""), shared="shared" in form
            )
    except InvalidInput as error:
        return _page(error=error.message), error.status
    flash("Saved.", "good")
    return redirect("/memory", 303)


@bp.get("/memory/<note_id>")
@member
def show_note(note_id: str) -> ResponseReturnValue:
    """The page on which the author edits a note, and others read it in full."""
    return _note_page(note_id)


@bp.post("/memory/<note_id>")
@member
def edit(note_id: str) -> ResponseReturnValue:
    """Change a note."""
    try:
        with transaction() as db:
            Notebook(db, page.reader_of(g.member)).edit(
                note_id, title=request.form.get("title", ""), text=request.form.get("text", "")
            )
    except InvalidInput as error:
        return _note_page(note_id, error=error.message), error.status
    flash("Saved.", "good")
    return redirect("/memory", 303)


@bp.post("/memory/<note_id>/share")
@member
def share(note_id: str) -> ResponseReturnValue:
    """Share a note with the workspace, or stop sharing."""
    wanted = request.form.get("shared")
    if wanted not in {"yes", "no"}:
        abort(400)
    with transaction() as db:
        view = Notebook(db, page.reader_of(g.member)).share(note_id, wanted == "yes")
    return fragment_or_redirect("memory/_note.html", "/memory", view=view)


@bp.post("/memory/<note_id>/delete")
@member
def delete(note_id: str) -> ResponseReturnValue:
    """Delete a note for good."""
    with transaction() as db:
        Notebook(db, page.reader_of(g.member)).delete(note_id)
    if wants_fragment():
        return ""
    flash("Note deleted.", "good")
    return redirect("/memory", 303)


def _page(error: str = "") -> str:
    notes_page = page.load(g.member, request.args)
    bounds = {"longest_title": LONGEST_TITLE, "longest_text": LONGEST_TEXT, "most": MOST_NOTES}
    return render_template("memory/show.html", page=notes_page, error=error, typed=request.form, **bounds)


def _note_page(note_id: str, error: str = "") -> str:
    with reading() as db:
        view = Notebook(db, page.reader_of(g.member)).get(note_id)
    return render_template(
        "memory/note.html",
        view=view,
        error=error,
        typed=request.form,
        longest_title=LONGEST_TITLE,
        longest_text=LONGEST_TEXT,
    )
