"""A small reader of report pages, independent of the templates."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "img", "input", "br", "link", "hr", "path", "use", "image", "rect"}


class Page(HTMLParser):
    """Collects what tests ask for: texts by id, linked numbers, words outside tables, every tag with attributes."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.links: list[tuple[str, str, str]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.loose: list[str] = []
        self.ids: list[str] = []
        self.feed(text)
        self.close()
        assert not self.stack, f"tags left open: {self.stack}"

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append((tag, given))
        if given.get("id"):
            self.ids.append(given["id"])
            self.texts[given["id"]] = ""
        if tag == "a" and given.get("class") == "n":
            self.links.append((given["href"], given["data-cell"], ""))
        if tag not in VOID:
            self.stack.append((tag, given))

    def handle_startendtag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append((tag, given))
        if given.get("id"):
            self.ids.append(given["id"])

    def handle_endtag(self, tag):
        if tag not in VOID:
            opened, _ = self.stack.pop()
            assert opened == tag, f"</{tag}> closes <{opened}>"

    def handle_data(self, data):
        for _, given in self.stack:
            if given.get("id"):
                self.texts[given["id"]] += data
        if self.stack and self.stack[-1][1].get("class") == "n":
            href, cell, text = self.links[-1]
            self.links[-1] = (href, cell, text + data)
        if not any(_counted_elsewhere(tag, given) for tag, given in self.stack):
            self.loose.append(data)


def _counted_elsewhere(tag, given):
    classes = set((given.get("class") or "").split())
    return tag in {"table", "svg", "pre", "style", "script", "title", "head", "code"} or classes & {
        "n",
        "given",
        "user",
    }
