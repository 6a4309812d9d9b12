"""Pages for people: one style, nothing from elsewhere, nothing that runs."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from hashlib import sha256
from html import escape
from typing import Final

from aiohttp import web

_STYLE: Final = """
:root{color-scheme:light dark;--line:#8885;--soft:#8881;--get:#2a7;--post:#27c;--put:#a70;--delete:#c33}
body{font:16px/1.55 system-ui,sans-serif;max-width:62rem;margin:0 auto;padding:1.5rem}
h1{margin-bottom:.2em}h2{margin-top:2.5em;border-bottom:1px solid var(--line)}a{color:inherit}
code,pre{font:14px/1.45 ui-monospace,monospace}pre{background:var(--soft);padding:.8rem;overflow:auto;border-radius:6px}
table{border-collapse:collapse;width:100%;margin:.6rem 0}
td,th{text-align:left;vertical-align:top;padding:.25rem .8rem .25rem 0;border-bottom:1px solid var(--line)}
details{border:1px solid var(--line);border-radius:6px;margin:.6rem 0;padding:.5rem .9rem}summary{cursor:pointer}
.m{display:inline-block;min-width:4.5em;font-weight:700}
.GET{color:var(--get)}.POST{color:var(--post)}.PUT,.PATCH{color:var(--put)}.DELETE{color:var(--delete)}
nav a{margin-right:1em}.q{opacity:.7}
"""
_HASH: Final = base64.b64encode(sha256(_STYLE.encode()).digest()).decode()
_POLICY: Final = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; frame-ancestors 'none'"


def page(title: str, body: str, *, status: int = 200) -> web.Response:
    """`body` is HTML, made of escaped text."""
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    )
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "public, max-age=60"}
    return web.Response(status=status, text=text, content_type="text/html", charset="utf-8", headers=headers)


def prose(text: str) -> str:
    """Paragraphs with `code` in back quotes."""
    return "".join(f"<p>{inline(paragraph)}</p>" for paragraph in text.split("\n\n") if paragraph.strip())


def inline(text: str) -> str:
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Cells are HTML."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>" if rows else ""
