"""The pages a person reads. Everything a mail says is escaped or shut into a sandbox."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final
from urllib.parse import quote, urlencode

from services.local.mailbox.api import part_url
from services.local.mailbox.letter import Letter, Opened, Part

IMAGES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"})

STYLE: Final = """
:root{color-scheme:light dark;font:15px/1.5 system-ui,sans-serif}
body{max-width:60rem;margin:2rem auto;padding:0 1rem}
a{color:inherit}
table{border-collapse:collapse;width:100%}
td,th{padding:.4rem .6rem;border-bottom:1px solid #8883;text-align:left;overflow-wrap:anywhere}
time{white-space:nowrap;font-variant-numeric:tabular-nums;opacity:.7}
pre{white-space:pre-wrap;overflow-wrap:anywhere}
pre,iframe,img{border:1px solid #8883;border-radius:6px;background:#fff;color:#111}
pre,img{padding:.8rem}
iframe{width:100%;height:34rem}
img{max-width:18rem}
"""


def inbox(letters: Sequence[Letter], *, words: str, page: int, more: bool) -> str:
    rows = "".join(map(_row, letters)) or "<tr><td colspan=3>Nothing here yet.</td></tr>"
    newer = _turn("newer", words, page - 1) if page > 0 else ""
    older = _turn("older", words, page + 1) if more else ""
    return _page(
        "Mailbox",
        "<h1>Mailbox</h1>"
        f'<form><input type=search name=to placeholder=Recipient value="{escape(words)}"></form>'
        f"<table><tr><th>Received<th>To<th>Subject</tr>{rows}</table><p>{newer} {older}</p>",
    )


def message(letter: Letter, opened: Opened) -> str:
    headers = "".join(f"<tr><th>{escape(name)}<td>{escape(value)}</tr>" for name, value in opened.headers)
    return _page(
        letter.subject or "(no subject)",
        f"<p><a href='/'>Mailbox</a></p><h1>{escape(letter.subject) or '(no subject)'}</h1>"
        f"<p>To {escape(', '.join(letter.to))}, {_time(letter)}</p>"
        f"{_html(letter, opened)}{_text(opened)}{_attachments(letter, opened)}"
        f"<details><summary>Headers</summary><table>{headers}</table></details>",
    )


def html_body(letter: Letter, opened: Opened) -> str:
    """The mail's own HTML with pictures by `cid:` found among its parts; links open a new page."""
    html = opened.html.text if opened.html else ""
    for part in opened.attachments:
        if part.content_id and part.content_type in IMAGES:
            html = html.replace(f"cid:{part.content_id}", part_url(letter, part.number))
    return f'<base target="_blank">{html}'


def _html(letter: Letter, opened: Opened) -> str:
    if opened.html is None:
        return ""
    # No script, no form, no origin; a click may open a page, and that page is an ordinary one.
    allowed = "allow-popups allow-popups-to-escape-sandbox"
    return f'<iframe sandbox="{allowed}" src="/messages/{quote(letter.id)}/html"></iframe>'


def _text(opened: Opened) -> str:
    return f"<pre>{escape(opened.text.text)}</pre>" if opened.text else ""


def _attachments(letter: Letter, opened: Opened) -> str:
    return "".join(_attachment(part, part_url(letter, part.number)) for part in opened.attachments)


def _attachment(part: Part, url: str) -> str:
    name = escape(part.name or part.content_type)
    image = f'<br><img src="{url}" alt="">' if part.content_type in IMAGES else ""
    return f'<p><a href="{url}" download>{name}</a> {len(part.content)} bytes{image}</p>'


def _row(letter: Letter) -> str:
    to, subject = escape(", ".join(letter.to)), escape(letter.subject) or "(no subject)"
    link = f'<a href="/messages/{quote(letter.id)}">{subject}</a>'
    again = f" <small>came {letter.deliveries} times</small>" if letter.deliveries > 1 else ""
    return f"<tr><td>{_time(letter)}<td>{to}<td>{link}{again}</tr>"


def _turn(label: str, words: str, page: int) -> str:
    return f'<a href="/?{escape(urlencode({"to": words, "page": page}))}">{label}</a>'


def _time(letter: Letter) -> str:
    return f"<time>{letter.received_at:%Y-%m-%d %H:%M:%S}</time>"


def _page(title: str, body: str) -> str:
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width'>"
        f"<title>{escape(title)}</title><style>{STYLE}</style><body>{body}"
    )
