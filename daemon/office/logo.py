"""The company's logo: put up, taken down, looked at."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from daemon.office import change
from daemon.office.actor import Actor
from daemon.papers.logo import Logo, read_logo
from daemon.rules.refusal import Refusal
from daemon.store.paper import Logo as LogoRow


def get_logo(session: Session) -> Logo | None:
    """The logo, None when there is none."""
    row = session.get(LogoRow, 1)
    return Logo(row.content, row.width, row.height) if row is not None else None


def set_logo(session: Session, actor: Actor, now: datetime, content: bytes) -> None:
    """Put up a logo, in place of the one before: a PNG or JPEG file, refused as `daemon.papers.logo` says."""
    actor.check("company")
    kept = read_logo(content)
    row = session.get(LogoRow, 1)
    if row is None:
        row = LogoRow(id=1, content=kept.content, width=kept.width, height=kept.height, at=now)
        session.add(row)
    else:
        row.content, row.width, row.height, row.at = kept.content, kept.width, kept.height, now
    session.flush()
    after = {"width": kept.width, "height": kept.height, "bytes": len(kept.content)}
    change.record(session, actor, now, "logo", 1, "edit", None, after)


def remove_logo(session: Session, actor: Actor, now: datetime) -> None:
    """Take the logo down; papers then begin with the company's name."""
    actor.check("company")
    row = session.get(LogoRow, 1)
    if row is None:
        raise Refusal("logo", "There is no logo to remove")
    session.delete(row)
    session.flush()
    change.record(session, actor, now, "logo", 1, "remove", {"width": row.width, "height": row.height}, None)
