"""MkDocs plugin: links and pictures whose address begins with `caniload:` become evidence.

`[BERT loads in PyTorch](caniload:bert?framework=pytorch&expect=works)` is a claim with its
verdict; `![](caniload:bert/matrix)`, `/snippet` and `/badge` are a table, a snippet and a badge.
"""

from __future__ import annotations

import logging
import re
from html import escape, unescape
from pathlib import Path

from markupsafe import Markup
from mkdocs.config import config_options
from mkdocs.config.base import Config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from caniload.errors import CaniloadError
from caniload.publish.embed import fragments
from caniload.publish.embed.asking import from_address
from caniload.publish.embed.page import Build, start

log = logging.getLogger("mkdocs.plugins.caniload")

FOLDER = "assets/caniload"
_PICTURE = re.compile(
    r"(?P<p><p>\s*)?<img\b[^>]*?\bsrc=\"caniload:(?P<address>[^\"]*)\"[^>]*>(?(p)(?P<end>\s*</p>)?)"
)
_LINK = re.compile(
    r"<a\b[^>]*?\bhref=\"caniload:(?P<address>[^\"]*)\"[^>]*>(?P<text>.*?)</a>", re.DOTALL
)


class Options(Config):  # type: ignore[no-untyped-call]
    """Hold the plugin's options; `answers` is an exported file, `max_age` a number of days."""

    answers = config_options.Optional(config_options.File(exists=True))
    max_age = config_options.Optional(config_options.Type(int))
    strict = config_options.Type(bool, default=False)
    today = config_options.Optional(config_options.Type(str))


class CaniloadPlugin(BasePlugin[Options]):  # type: ignore[no-untyped-call]
    """Put evidence into pages.

    What is wrong with an embed is a warning; `mkdocs build --strict` and the plugin's own
    `strict: true` fail the build on it, naming all entries.
    """

    build: Build
    said: list[str]

    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        """Read the answers, and put style and scripts on every page."""
        file = Path(self.config.answers) if self.config.answers else None
        try:
            self.build = start(file, self.config.today, self.config.max_age)
        except CaniloadError as error:
            raise PluginError(f"caniload: {error}") from error
        self.said = []
        if file is not None:
            config.watch.append(str(file))
        config.extra_css.insert(0, f"{FOLDER}/{fragments.STYLE}")
        for name in (fragments.AGES, fragments.COMPONENT):
            config.extra_javascript.append(f"{FOLDER}/{name}")
        return config

    def on_files(self, files: Files, /, *, config: MkDocsConfig) -> Files:
        """Add what pages refer to."""
        for name in (fragments.STYLE, fragments.AGES, fragments.COMPONENT):
            path = str(fragments.static() / name)
            files.append(File.generated(config, f"{FOLDER}/{name}", abs_src_path=path))
        return files

    def on_page_content(
        self, html: str, /, *, page: Page, config: MkDocsConfig, files: Files
    ) -> str:
        """Put fragments where addresses stood."""
        name = page.file.src_uri

        def picture(match: re.Match[str]) -> str:
            block = match["p"] is not None and match["end"] is not None
            made = self._embed(name, match["address"], Markup(""), link=False)
            if block and made.startswith("<div"):
                return made
            return f"{match['p'] or ''}{made}{match['end'] or ''}" if match["p"] else made

        def link(match: re.Match[str]) -> str:
            return self._embed(name, match["address"], Markup(match["text"]), link=True)

        return _LINK.sub(link, _PICTURE.sub(picture, html))

    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """Fail the build where it is strict."""
        if (self.config.strict or config.strict) and self.said:
            raise PluginError("caniload:\n  " + "\n  ".join(self.said))

    def _embed(self, page: str, address: str, text: Markup, *, link: bool) -> str:
        """Return one fragment; what is wrong is said, and shown where there is no answer."""
        try:
            asked = from_address(unescape(address), link=link)
        except CaniloadError as error:
            self._say(f"{page}: caniload:{unescape(address)}: {error}")
            return _unanswered(str(error), text)
        found, wrong = self.build.look(asked)
        for finding in wrong:
            self._say(f"{page}: {finding}")
        if found is None:
            return _unanswered(str(wrong[0]), text)
        return fragments.html(found, text, self.build.now, self.build.max_age_days)

    def _say(self, text: str) -> None:
        """Warn, and keep it for the end."""
        self.said.append(text)
        log.warning(text)


def _unanswered(why: str, text: Markup) -> str:
    """Show that an embed has no answer."""
    return f'{text} <strong class="caniload">caniload: {escape(why)}</strong>'.strip()
