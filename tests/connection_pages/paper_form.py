"""A form filled in as a browser without scripts does it: by its controls alone, and sent as it stands."""

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any


@dataclass
class Control:
    """An input, textarea, select or button."""

    name: str
    kind: str
    value: str = ""
    checked: bool = False
    options: list[str] = field(default_factory=list)


@dataclass
class Form:
    action: str
    classes: str
    controls: list[Control] = field(default_factory=list)


class _Reader(HTMLParser):
    """Collects the forms of a page, and the text of its first `pre`."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.data = ""
        self._text: Control | None = None
        self._in_data = False
        self._open = False

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        found = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.forms.append(Form(found.get("action", ""), found.get("class", "")))
            self._open = True
        elif tag == "pre":
            self._in_data = not self.data
        elif tag in {"input", "textarea", "select", "button"} and self._open:
            is_checked = "checked" in found
            kind = found.get("type", "text") if tag == "input" else tag
            value = found.get("value", "on" if kind == "checkbox" else "")
            control = Control(found.get("name", ""), kind, value, is_checked)
            self.forms[-1].controls.append(control)
            self._text = control if tag == "textarea" else None
        elif tag == "option" and self._open:
            select = self.forms[-1].controls[-1]
            select.options.append(found.get("value", ""))
            if "selected" in found or len(select.options) == 1:
                select.value = found.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = False
        if tag == "pre":
            self._in_data = False
        if tag == "textarea" and self._text is not None:
            self._text.value = self._text.value.removeprefix("\n")
            self._text = None

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.value += data
        if self._in_data:
            self.data += data


class PaperForm:
    """The form of a tool on a page, and the page it leads to."""

    def __init__(self, visitor: Any, html: str) -> None:
        self._visitor = visitor
        self.show(html)

    def show(self, html: str) -> None:
        """Reads a page."""
        self.html = html
        reader = _Reader()
        reader.feed(html)
        self.forms, self.data = reader.forms, json.loads(reader.data) if reader.data else None
        self.form = next(form for form in self.forms if "trial-form" in form.classes)

    def value_of(self, name: str) -> str:
        """What a field holds."""
        return self._control(f"a.{name}").value

    @property
    def names(self) -> set[str]:
        """The names of the fields for arguments."""
        return {c.name.removeprefix("a.") for c in self.form.controls if c.name.startswith("a.")}

    def write(self, arguments: dict[str, Any]) -> None:
        """Fills in arguments, adding lines where there are too few."""
        for name, value in arguments.items():
            self._write(name, value)

    def send(self, extra: dict[str, str] | None = None) -> Any:
        """Presses the form's own button."""
        return self._submit(self.form, extra or {})

    def press(self, button: str) -> Any:
        """Presses the first button whose form carries that hidden field, such as `call` or `cursor`."""
        form = next(f for f in self.forms if any(c.name == button for c in f.controls))
        return self._submit(form, {})

    def _submit(self, form: Form, extra: dict[str, str]) -> Any:
        sent: dict[str, list[str]] = {}
        for control in form.controls:
            is_off = control.kind in {"checkbox", "radio"} and not control.checked
            if control.name and control.kind != "button" and not is_off:
                sent.setdefault(control.name, []).append(control.value.replace("\n", "\r\n"))
        answer = self._visitor.submit(form.action.partition("#")[0], {**sent, **extra})
        if answer.mimetype == "text/html" and 'class="card trial-form"' in answer.text:
            self.show(answer.text)
        return answer

    def _control(self, name: str) -> Control:
        found = [control for control in self.form.controls if control.name == name]
        assert found, f"no field {name} among {[c.name for c in self.form.controls]}"
        return found[0]

    def _write(self, path: str, value: Any) -> None:
        field, count = f"a.{path}", f"a.{path}.#"
        names = {control.name for control in self.form.controls}
        if isinstance(value, list) and count in names:
            while int(self._control(count).value) < len(value):
                assert self.send({"more": path}).status_code == 200
            for number, row in enumerate(value):
                for name, part in row.items():
                    self._write(f"{path}.{number}.{name}", part)
        elif isinstance(value, dict) and field not in names:
            for name, part in value.items():
                self._write(f"{path}.{name}", part)
        elif isinstance(value, list) and self._control(field).kind == "checkbox":
            for control in self.form.controls:
                if control.name == field:
                    control.checked = control.value in value
        else:
            self._fill(self._control(field), value)

    def _fill(self, control: Control, value: Any) -> None:
        if control.kind == "checkbox":
            control.checked = bool(value)
            return
        if isinstance(value, list) and not any(isinstance(each, (list, dict)) for each in value):
            control.value = "\n".join(str(each) for each in value)
        else:
            control.value = value if isinstance(value, str) else json.dumps(value)
        assert control.kind != "select" or control.value in control.options, (control.name, control.options)
