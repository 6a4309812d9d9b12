"""The pages for people: /docs, made from the same operations as the OpenAPI, and a page for each problem."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape

from services.gateway.edge import guide
from services.gateway.edge.html import inline, prose, table
from services.gateway.edge.openapi import ABOUT, TITLE, Json, reasons
from services.gateway.edge.operation import AnyOperation, Auth
from services.gateway.edge.problems import explanation
from services.gateway.edge.reasons import EXPLAINED

_WHO = {Auth.NONE: "Anybody.", Auth.OPTIONAL: "Anybody; a token is read.", Auth.REQUIRED: "With an access token."}


def reference(operations: Sequence[AnyOperation], document: Json) -> str:
    """The body of /docs."""
    tags: Mapping[str, str] = {tag["name"]: tag["description"] for tag in document["tags"]}
    links = "".join(f'<a href="#{tag}">{tag}</a>' for tag in tags)
    parts = [
        f"<h1>{TITLE}: the API</h1>{prose(ABOUT)}",
        f'<nav>{links}<a href="#socket">WebSocket</a><a href="#cards">test cards</a><a href="#shapes">shapes</a>'
        '<a href="/problems">problems</a><a href="/openapi.json">openapi.json</a></nav>',
        "<h2>How a sale goes</h2>" + "".join(f"<p>{inline(line)}</p>" for line in guide.SALE.splitlines()),
    ]
    for tag, about in tags.items():
        found = [operation for operation in operations if operation.tag == tag]
        parts.append(f'<h2 id="{tag}">{tag}</h2>{prose(about)}' + "".join(map(_operation, found)))
    parts += [_socket(), _cards(), _shapes(document)]
    return "".join(parts)


def problem_index() -> str:
    """The body of /problems."""
    rows = [
        (f'<a href="/problems/{reason}"><code>{reason}</code></a>', str(known.status), inline(known.means))
        for reason, known in sorted(EXPLAINED.items())
    ]
    intro = "<p>Every reason this API gives for not doing something, and every reason a booking is rejected for.</p>"
    return f"<h1>Problems</h1>{intro}{table(('reason', 'status', 'what it means'), rows)}"


def problem(reason: str) -> str:
    """The body of /problems/{reason}."""
    known = explanation(reason)
    return (
        f"<h1>{escape(known.title)}</h1><p><code>{escape(reason)}</code>, status {known.status}</p>"
        f"<h2>What it means</h2>{prose(known.means)}<h2>What to do</h2>{prose(known.do)}"
        '<p><a href="/problems">All problems</a> · <a href="/docs">The API</a></p>'
    )


def _operation(operation: AnyOperation) -> str:
    roles = f" Roles: {', '.join(sorted(operation.roles))}." if operation.roles else ""
    parts = [prose(operation.description), f'<p class="q">{_WHO[operation.auth]}{roles}</p>']
    if operation.body is not type(None):
        parts.append(f"<p>Body: {_shape(operation.body)}</p>")
    if operation.example:
        parts.append(f"<pre>{escape(json.dumps(operation.example, indent=2))}</pre>")
    if operation.query is not type(None):
        names = ", ".join(f"<code>{name}</code>" for name in operation.query.__struct_encode_fields__)
        parts.append(f"<p>Query: {names}</p>")
    answer = _shape(operation.answer) if operation.answer else "no body"
    parts.append(f"<p>Answer: {operation.status}, {answer}</p>")
    if operation.answer_example:
        parts.append(f"<pre>{escape(json.dumps(operation.answer_example, indent=2))}</pre>")
    rows = [
        (str(explanation(reason).status), f'<a href="/problems/{reason}"><code>{reason}</code></a>')
        for reason in sorted(reasons(operation), key=lambda reason: explanation(reason).status)
    ]
    parts.append(table(("status", "problem"), rows))
    head = f'<span class="m {operation.method}">{operation.method}</span><code>{escape(operation.path)}</code>'
    summary = f"<summary>{head} {inline(operation.summary)}</summary>"
    return f'<details id="{operation.name}">{summary}{"".join(parts)}</details>'


def _shape(shape: type) -> str:
    return f'<a href="#shape-{shape.__name__}"><code>{shape.__name__}</code></a>'


def _shapes(document: Json) -> str:
    """The JSON Schema of everything that is sent, as the OpenAPI has it."""
    schemas: Json = document["components"]["schemas"]
    return '<h2 id="shapes">Shapes</h2>' + "".join(
        f'<details id="shape-{name}"><summary><code>{name}</code> {inline(schema.get("description", ""))}</summary>'
        f"<pre>{escape(json.dumps(schema, indent=2))}</pre></details>"
        for name, schema in schemas.items()
    )


def _socket() -> str:
    sent = table(("you send", ""), [(f"<code>{escape(text)}</code>", inline(why)) for text, why in guide.SOCKET_SENT])
    heard = table(("you hear", ""), [(f"<code>{escape(text)}</code>", inline(why)) for text, why in guide.SOCKET_HEARD])
    return f'<h2 id="socket">WebSocket</h2>{prose(guide.SOCKET)}{sent}{heard}'


def _cards() -> str:
    rows = [(f"<code>{escape(card)}</code>", inline(outcome)) for card, outcome in guide.CARDS]
    return f'<h2 id="cards">Test cards</h2>{prose(guide.CARDS_INTRO)}{table(("payment_method", ""), rows)}'
