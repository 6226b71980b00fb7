"""Read authored YAML as nodes that know their lines. Nothing a file asks for is ever constructed.

PyYAML's own errors stop at the first; authors want every fault at once, each with its line. So the text is
vetted as a stream of events, which needs no recursion and can't be made to grow, before a node is composed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

LARGEST = 256 * 1024
DEEPEST = 12
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# YAML 1.1 counts U+0085, U+2028 and U+2029 as line ends and editors don't: our line numbers would disagree.
_HIDDEN = re.compile(
    "[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_ADVICE = "Text that holds a colon, a quote mark, # or [[ goes in quotes, or on the lines below a |."

Step = int | str


@dataclass(frozen=True, order=True)
class Flaw:
    """What is wrong, and on which line of the file (from 1)."""

    line: int
    message: str


@dataclass(frozen=True)
class NotText:
    """A word YAML takes for something other than text or a plain whole number, such as `no` or `5.3`."""

    word: str


@dataclass(frozen=True)
class Source:
    """A file as read: its top node (None where it can't be read at all), its lines, and what is wrong."""

    root: yaml.Node | None
    lines: tuple[str, ...]
    flaws: tuple[Flaw, ...]


def read(content: bytes) -> Source:
    """Return the nodes of one YAML document: at most 256 kB of UTF-8, no tabs, tags, anchors or aliases."""
    if len(content) > LARGEST:
        return Source(None, (), (too_large(content),))
    text, flaws = decode(content)
    lines = tuple(text.split("\n"))
    flaws += [
        Flaw(number, "There is a tab here; use spaces.")
        for number, line in enumerate(lines, 1)
        if "\t" in line
    ]
    text = text.replace("\t", "  ")
    vetting = _Vetting()
    vetting.vet(text)
    flaws += vetting.flaws
    root = yaml.compose(text, Loader=_LOADER) if vetting.is_readable else None
    if root is None:
        return Source(None, lines, tuple(flaws))
    return Source(root, lines, tuple(flaws + list(_key_flaws(root))))


def too_large(content: bytes) -> Flaw:
    """Return the flaw of a file that is over the limit."""
    return Flaw(1, f"The file is {len(content) // 1024} kB; at most {LARGEST // 1024} kB is read.")


def decode(content: bytes) -> tuple[str, list[Flaw]]:
    """Return UTF-8 as text with \\n line ends, and the lines that hold other bytes or hidden characters."""
    flaws: list[Flaw] = []
    text = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    lines = []
    for number, line in enumerate(text.split(b"\n"), 1):
        decoded = line.decode("utf-8", errors="replace")
        if "\ufffd" in decoded:
            flaws.append(Flaw(number, "This line is not UTF-8; save the file as UTF-8."))
        elif hidden := _HIDDEN.search(decoded):
            code = f"U+{ord(hidden[0]):04X}"
            flaws.append(Flaw(number, f"There is a hidden character here ({code}); delete it."))
        lines.append(_HIDDEN.sub(" ", decoded))
    return "\n".join(lines), flaws


@dataclass
class _Vetting:
    """One pass over the events of a file: what is refused, and whether nodes may be composed from it."""

    flaws: list[Flaw] = field(default_factory=list)
    is_readable: bool = True
    depth: int = 0
    documents: int = 0

    def vet(self, text: str) -> None:
        try:
            for event in yaml.parse(text, Loader=_LOADER):
                self._look_at(event)
                if self.depth > DEEPEST:
                    return
        except yaml.YAMLError as error:
            self._refuse(_syntax_flaw(error))
        if self.is_readable and not self.documents:
            self._refuse(Flaw(1, "The file is empty."))

    def _look_at(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self._refuse(Flaw(line, "A second document begins here; a file holds one module."))
        elif isinstance(event, yaml.NodeEvent):
            self._look_at_node(event, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.depth -= 1

    def _look_at_node(self, event: yaml.NodeEvent, line: int) -> None:
        if event.anchor:
            sign = "*" if isinstance(event, yaml.AliasEvent) else "&"
            self._refuse(Flaw(line, f"{sign}{event.anchor} is not allowed; write the text out again."))
        if tag := getattr(event, "tag", None):
            shown = tag.replace("tag:yaml.org,2002:", "!!")
            self.flaws.append(Flaw(line, f"The tag {shown} is not allowed; write plain text."))
        if isinstance(event, yaml.CollectionStartEvent):
            self.depth += 1
            if self.depth > DEEPEST:
                self._refuse(Flaw(line, f"This is nested more than {DEEPEST} deep."))

    def _refuse(self, flaw: Flaw) -> None:
        self.flaws.append(flaw)
        self.is_readable = False


def _syntax_flaw(error: yaml.YAMLError) -> Flaw:
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return Flaw(1, f"This can't be read as YAML: {error}.")
    mark, began = error.problem_mark, error.context_mark
    # A quote that is never closed is only noticed at the end of the file; its beginning is what helps.
    if began and "end of stream" in (error.problem or ""):
        mark = began
    context = f", {error.context}" if error.context else ""
    since = f" that began on line {began.line + 1}" if began and began.line != mark.line else ""
    return Flaw(mark.line + 1, f"This can't be read as YAML: {error.problem}{context}{since}. {_ADVICE}")


def _key_flaws(root: yaml.Node) -> Iterator[Flaw]:
    for node in walk(root):
        first_lines: dict[str, int] = {}
        for key, _ in _entries(node):
            line = line_of(key)
            if not isinstance(key, yaml.ScalarNode):
                yield Flaw(line, "A key must be one word.")
            elif key.value in first_lines:
                first = first_lines[key.value]
                yield Flaw(line, f"The key `{key.value}` is here twice; the first is on line {first}.")
            else:
                first_lines[key.value] = line


def line_of(node: yaml.Node) -> int:
    """Return the line of the file on which a node begins (from 1)."""
    return int(node.start_mark.line) + 1


def walk(node: yaml.Node) -> Iterator[yaml.Node]:
    """Yield a node and all the values below it, in the order of the file."""
    yield node
    for child in _children(node):
        yield from walk(child)


def child(node: yaml.Node | None, step: Step) -> tuple[int, yaml.Node] | None:
    """Return (line, node) of one key's value or one list item, or None; a key's line is that of the key."""
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return line_of(node.value[step]), node.value[step]
    for key, value in _entries(node):
        if isinstance(key, yaml.ScalarNode) and key.value == step:
            return line_of(key), value
    return None


def find(root: yaml.Node, path: tuple[Step, ...]) -> tuple[int, yaml.Node]:
    """Return (line, node) at the path, or of the nearest thing above it that is there."""
    line, node = line_of(root), root
    for step in path:
        found = child(node, step)
        if found is None:
            break
        line, node = found
    return line, node


def plain(node: yaml.Node) -> object:
    """Return a node as dict, list, str, int or None; any other scalar as NotText. The first key wins."""
    if isinstance(node, yaml.MappingNode):
        pairs = [(key.value, value) for key, value in _entries(node) if isinstance(key, yaml.ScalarNode)]
        return {key: plain(value) for key, value in reversed(pairs)}
    if isinstance(node, yaml.SequenceNode):
        return [plain(item) for item in node.value]
    return _scalar(node.value, read_as(node))


def read_as(node: yaml.Node) -> str:
    """Return what YAML takes a node for: str, bool, int, float, null, timestamp, map, seq."""
    return str(node.tag).rpartition(":")[2]


def _scalar(word: str, kind: str) -> object:
    if kind == "null":
        return None
    if kind == "int" and word.isdecimal() and len(word) < 10:
        return int(word)
    return NotText(word) if kind in {"bool", "int", "float", "timestamp"} else word


def _entries(node: yaml.Node | None) -> list[tuple[yaml.Node, yaml.Node]]:
    return node.value if isinstance(node, yaml.MappingNode) else []


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    return [value for _, value in _entries(node)]
