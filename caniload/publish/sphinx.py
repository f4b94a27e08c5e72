"""Sphinx extension: evidence by directive and by role, in a domain of its own.

Directives are `caniload:matrix`, `caniload:snippet` and `caniload:badge`, roles
`caniload:verdict` and `caniload:badge`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence, Set
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from markupsafe import Markup
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.domains import Domain
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.docutils import ReferenceRole, SphinxDirective
from sphinx.util.typing import ExtensionMetadata, OptionSpec

import caniload
from caniload.errors import CaniloadError
from caniload.publish.embed import fragments
from caniload.publish.embed.answers import write
from caniload.publish.embed.asking import OPTIONS, Ask, Found, ask, from_words
from caniload.publish.embed.page import Build, start
from caniload.publish.markdown import HEAD, UNMEASURED

log = logging.getLogger(__name__)


class Embed(nodes.General, nodes.Element):
    """Hold one embed: as HTML a fragment, elsewhere the plain nodes inside it."""


class InlineEmbed(nodes.Inline, nodes.TextElement):
    """Hold one embed inside a line."""


class _Directive(SphinxDirective):
    """Read `.. caniload:KIND:: MODEL` with its options."""

    required_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar[OptionSpec | None] = dict.fromkeys(OPTIONS, directives.unchanged_required)

    def run(self) -> list[nodes.Node]:
        """Return the embed; raise an error at this line for an option that is none."""
        kind = self.name.rpartition(":")[2]
        try:
            asked = ask(kind, self.arguments[0], self.options)
        except CaniloadError as error:
            raise self.error(str(error)) from error
        found = _domain(self.env).note(asked, self.get_location())
        if found is None:
            return [nodes.paragraph(text=f"caniload: no model named {asked.model}")]
        node = Embed("", *_plain(found), html=_html(self.env, found, ""))
        self.set_source_info(node)
        return [node]


class _Role(ReferenceRole):
    """Read `:caniload:verdict:` and `:caniload:badge:`, as `the text <bert framework=jax>`."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the embed; an option that is none is an error at this line."""
        kind = self.name.rpartition(":")[2]
        text = self.title if self.has_explicit_title else ""
        try:
            asked = from_words(kind, self.target)
        except CaniloadError as error:
            message = self.inliner.reporter.error(str(error), line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, message)], [message]
        found = _domain(self.env).note(asked, self.get_location())
        if found is None:
            return [nodes.Text(text or f"caniload: no model named {asked.model}")], []
        words = f"{text} ({found.verdict}: {_line(found)})".strip()
        node = InlineEmbed("", "", nodes.Text(words), html=_html(self.env, found, text))
        return [node], []


class CaniloadDomain(Domain):
    """Keep every embed by page, so that each build looks at all of them, read anew or not."""

    name = "caniload"
    label = "caniload"
    directives: ClassVar[dict[str, Any]] = dict.fromkeys(("matrix", "snippet", "badge"), _Directive)
    roles: ClassVar[dict[str, Any]] = {"verdict": _Role(), "badge": _Role()}
    initial_data: ClassVar[dict[str, Any]] = {"asks": {}, "shown": ""}
    data_version = 1
    build: Build

    def note(self, asked: Ask, location: str) -> Found | None:
        """Remember an embed and answer it."""
        place: list[tuple[str, Ask]] = self.data["asks"].setdefault(self.env.docname, [])
        place.append((location, asked))
        build = self.build
        if build.file is not None:
            self.env.note_dependency(str(build.file))
        return build.look(asked)[0]

    def clear_doc(self, docname: str) -> None:
        """Forget a page's embeds."""
        self.data["asks"].pop(docname, None)

    def merge_domaindata(self, docnames: Set[str], otherdata: dict[str, Any]) -> None:
        """Take over the embeds of pages that another process read."""
        for docname in docnames:
            if docname in otherdata["asks"]:
                self.data["asks"][docname] = otherdata["asks"][docname]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add all of it to a build."""
    app.add_config_value("caniload_answers", None, "env", (str, type(None)))
    app.add_config_value("caniload_max_age", None, "env", (int, str, type(None)))
    app.add_config_value("caniload_strict", False, "", (bool,))
    app.add_config_value("caniload_today", None, "", (str, type(None)))
    app.add_domain(CaniloadDomain)
    for node in (Embed, InlineEmbed):
        app.add_node(
            node,
            override=False,
            html=(_visit_html, None),
            **dict.fromkeys(("latex", "text", "man", "texinfo"), (_pass, _pass)),
        )
    app.connect("config-inited", _add_static)
    app.connect("builder-inited", _begin)
    app.connect("env-get-outdated", _outdated)
    app.connect("env-updated", _judge)
    app.add_css_file(fragments.STYLE)
    for script in (fragments.AGES, fragments.COMPONENT):
        app.add_js_file(script, loading_method="defer")
    return {
        "version": caniload.__version__,
        "env_version": 1,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }


def _add_static(_: Sphinx, config: Config) -> None:
    """Put style and scripts beside the project's own."""
    config.html_static_path.append(str(fragments.static()))


def _begin(app: Sphinx) -> None:
    """Read the answers before any page, so that a file that is none fails the build."""
    file = app.config.caniload_answers
    path = Path(app.confdir) / file if file else None
    limit = app.config.caniload_max_age  # a text where -D on the command line gave it
    try:
        days = int(limit) if limit is not None else None
        build = start(path, app.config.caniload_today, days)
    except (CaniloadError, ValueError) as error:
        raise ExtensionError(f"caniload: {error}", modname=__name__) from error
    _domain(app.env).build = build


def _domain(env: BuildEnvironment) -> CaniloadDomain:
    found = env.get_domain("caniload")
    assert isinstance(found, CaniloadDomain)
    return found


def _outdated(
    _: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> Sequence[str]:
    """Read pages anew whose answers have changed, be it in a file or in the store."""
    domain = _domain(env)
    shown = hashlib.sha256(write(_domain(env).build.answers).encode()).hexdigest()
    former, domain.data["shown"] = domain.data["shown"], shown
    return list(domain.data["asks"]) if former != shown else []


def _judge(app: Sphinx, env: BuildEnvironment) -> Iterable[str]:
    """Warn of every embed that something is wrong with; fail where the build is strict."""
    said: list[str] = []
    for asks in _domain(env).data["asks"].values():
        for location, asked in asks:
            for finding in _domain(env).build.look(asked)[1]:
                said.append(f"{location}: {finding}")
                log.warning("%s", finding, location=location, type="caniload", subtype=finding.kind)
    if app.config.caniload_strict and said:
        raise ExtensionError("caniload:\n  " + "\n  ".join(said), modname=__name__)
    return ()


def _html(env: BuildEnvironment, found: Found, text: str) -> str:
    """Return the embed as HTML."""
    build = _domain(env).build
    return fragments.html(found, Markup.escape(text), build.now, build.max_age_days)


def _visit_html(self: Any, node: nodes.Element) -> None:
    """Write the fragment instead of the plain nodes."""
    self.body.append(node["html"])
    raise nodes.SkipNode


def _pass(self: Any, node: nodes.Element) -> None:
    """Let the plain nodes stand."""


def _line(found: Found) -> str:
    """Say an answer with its evidence, in words."""
    best = found.best
    said = fragments.sentence(found)
    if best is None or best.day is None:
        return said
    return f"{said}; {fragments.versions(best)}; measured {best.day}, run {best.run}"


def _plain(found: Found) -> list[nodes.Node]:
    """Return an embed as nodes that every builder writes."""
    if found.ask.kind != "matrix":
        best = found.best
        code = [best.install, best.snippet] if best and best.snippet else []
        blocks: list[nodes.Node] = [nodes.literal_block(text, text) for text in code if text]
        if found.ask.kind == "badge":
            blocks = []
        return [*blocks, nodes.paragraph(text=f"{found.verdict}: {_line(found)}")]
    made: list[nodes.Node] = []
    if not found.measured:
        made.append(nodes.paragraph(text=UNMEASURED))
    rows = fragments.plain_rows(found)
    return [*made, _table(rows)] if rows else made


def _table(rows: list[tuple[str, ...]]) -> nodes.table:
    """Return rows under `HEAD` as a table of docutils."""
    group = nodes.tgroup(cols=len(HEAD))
    for column in zip(HEAD, *rows, strict=True):
        words = (len(word) for cell in column for word in cell.split())
        group += nodes.colspec(colwidth=max(*words, min(30, max(map(len, column)))))
    head, body = nodes.thead(), nodes.tbody()
    head += _row(HEAD)
    body += [_row(row) for row in rows]
    group += [head, body]
    table = nodes.table()
    table += group
    return table


def _row(cells: Iterable[str]) -> nodes.row:
    row = nodes.row()
    row += [nodes.entry("", nodes.paragraph(text=cell)) for cell in cells]
    return row
