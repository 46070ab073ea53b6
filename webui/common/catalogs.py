"""The message catalogues: gather what must be translated, compile what was.

`python -m webui.common.catalogs` compiles; with `--gather` it first merges new messages of the sources into the
`.po` files, where a person then writes the translation. The compiled `.mo` files are not kept in version control.
"""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

log = logging.getLogger("pregonero.webui")

ROOT = Path(__file__).resolve().parents[2]
TRANSLATIONS = ROOT / "webui" / "translations"
LANGUAGES = ("es", "en")

#: Words that mark a message: gettext's own; those of the rules (`Sentence`, `say`, `Refusal`, `Collector.add`);
#: and `N_` for texts translated later.
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "lazy_gettext": None,
    "N_": None,
    "Sentence": (1,),
    "say": (1,),
    "Refusal": (2,),
    "add": (2,),
}
SOURCES: tuple[tuple[str, list[tuple[str, str]]], ...] = (
    ("daemon/rules", [("**.py", "python")]),
    ("daemon/plan", [("**.py", "python")]),
    ("daemon/papers", [("**.py", "python")]),
    ("daemon/office", [("**.py", "python")]),
    ("daemon/edge/routeros", [("**.py", "python")]),
    ("daemon/chores", [("**.py", "python")]),
    ("webui", [("**.py", "python"), ("**.html", "jinja2")]),
)
_JINJA_OPTIONS = {"**.html": {"trim_blocks": "true", "lstrip_blocks": "true", "newstyle_gettext": "true"}}


def gather(root: Path = ROOT) -> Catalog:
    """Every marked message of the sources, with the files it stands in (no line numbers: they churn)."""
    catalog = Catalog(project="pregonero", charset="utf-8")
    for folder, methods in SOURCES:
        place = root / folder
        if not place.is_dir():
            continue
        for name, _line, message, comments, context in extract_from_dir(
            str(place),
            method_map=methods,
            options_map=_JINJA_OPTIONS,
            keywords=KEYWORDS,
            comment_tags=("Translators:",),
        ):
            if message and message != ("", ""):
                catalog.add(
                    message, locations=[(f"{folder}/{name}", 0)], auto_comments=comments, context=context
                )
    return catalog


def po_path(language: str, folder: Path = TRANSLATIONS) -> Path:
    """Where the source of a language's catalogue is."""
    return folder / language / "LC_MESSAGES" / "messages.po"


def read(language: str, folder: Path = TRANSLATIONS) -> Catalog:
    """The catalogue of a language as it is kept; an empty one if there is none yet."""
    path = po_path(language, folder)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def merge(language: str) -> Catalog:
    """Bring a language's `.po` up to date with the sources; translations of vanished messages are dropped."""
    catalog = read(language)
    catalog.update(gather(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    path = po_path(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.BytesIO()
    write_po(
        text, catalog, width=110, sort_output=True, include_lineno=False, omit_header=True, no_location=True
    )
    header = f'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"Language: {language}\\n"\n'
    header += '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
    path.write_bytes(header.encode("utf-8") + text.getvalue())
    return catalog


def _stale(folder: Path) -> Iterator[tuple[str, Path, Path]]:
    for language in LANGUAGES:
        source = po_path(language, folder)
        target = source.with_suffix(".mo")
        if source.exists() and (not target.exists() or target.stat().st_mtime < source.stat().st_mtime):
            yield language, source, target


def compile_stale(folder: Path = TRANSLATIONS) -> list[Path]:
    """Compile each `.po` whose `.mo` is missing or older; safe when several workers do it at once.

    A folder that this user may not write to is left as it is, with a warning.
    """
    made = []
    for language, source, target in _stale(folder):
        with source.open("rb") as file:
            catalog = read_po(file, locale=language)
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            with draft.open("wb") as out:
                write_mo(out, catalog)
            draft.replace(target)
        except OSError as error:
            # Without its compiled form a language is shown in English: no reason not to serve.
            log.warning(
                "%s cannot be written (%s); run python -m webui.common.catalogs", target, error.strerror
            )
            continue
        made.append(target)
    return made


def _said(message: Message) -> bool:
    texts = message.string if isinstance(message.string, list | tuple) else [message.string]
    return all(texts)


def main(arguments: list[str] | None = None) -> int:
    """The command; exit status 0, or 1 when a Spanish message has no translation after `--gather`."""
    parser = argparse.ArgumentParser(prog="python -m webui.common.catalogs", description=__doc__)
    parser.add_argument("--gather", action="store_true", help="merge new messages into the .po files first")
    chosen = parser.parse_args(arguments)
    missing = 0
    if chosen.gather:
        for language in LANGUAGES:
            catalog = merge(language)
            if language == "es":
                empty = [m for m in catalog if m.id and not _said(m)]
                missing = len(empty)
                for message in empty:
                    sys.stderr.write(f"no Spanish yet: {message.id!r}\n")
    for path in compile_stale():
        sys.stderr.write(f"compiled {path.relative_to(ROOT)}\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
