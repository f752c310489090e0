"""A strict reading of a page: what opens must close, and nothing may run or load from elsewhere."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

from oidc_gate.pages import Page

VOID = {"meta", "link", "img", "input", "wbr"}
FRAME = {"html", "head", "title", "script", "body", "header", "main", "footer"}
CONTENT = {"h1", "p", "ul", "li", "div", "span", "bdi", "a", "form", "button", "dl", "dt", "dd", "code"}
KNOWN = VOID | FRAME | CONTENT


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]
    words: str = ""


@dataclass
class Document(HTMLParser):
    source: str
    open: list[Element] = field(default_factory=list)
    all: list[Element] = field(default_factory=list)
    declaration: str = ""

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.source)
        self.close()
        assert not self.open, f"left open: {[element.tag for element in self.open]}"

    def handle_decl(self, decl: str) -> None:
        self.declaration = decl

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in KNOWN, f"a tag that is not ours: {tag}"
        assert len(dict(attrs)) == len(attrs), f"an attribute twice in {attrs}"
        element = Element(tag, dict(attrs))
        self.all.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"closes nothing: {tag}"
        assert self.open.pop().tag == tag, f"closes another tag: {tag}"

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.words += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def find(self, tag: str, **wanted: str) -> list[Element]:
        return [
            element
            for element in self.all
            if element.tag == tag
            and wanted.items() <= {k: v or "" for k, v in element.attributes.items()}.items()
        ]

    def the(self, tag: str, **wanted: str) -> Element:
        found = self.find(tag, **wanted)
        assert len(found) == 1, f"{len(found)} of {tag} {wanted}"
        return found[0]


def read(page: Page) -> Document:
    return Document(page.body.decode("utf-8"))


def header(page: Page, name: str) -> str | None:
    found = [value for key, value in page.headers if key.lower() == name.lower()]
    assert len(found) <= 1, f"{name} more than once"
    return found[0] if found else None


def attribute(element: Element, name: str) -> str:
    value = element.attributes[name]
    assert value is not None
    return value


def hrefs(document: Document) -> list[str]:
    return [attribute(element, "href") for element in document.find("a")]
