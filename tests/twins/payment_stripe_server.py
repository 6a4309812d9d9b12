"""The Stripe twin as a process of its own: `python -m tests.twins.payment_stripe_server PORT`.

Beside Stripe's protocol it has the page on which a sale reads afterwards what was charged, as the sandbox has.
"""

from __future__ import annotations

import sys

from aiohttp import web

from tests.twins.payment_stripe import StripeTwin


def main() -> None:
    web.run_app(served(StripeTwin()), port=int(sys.argv[1]), print=None)


def served(twin: StripeTwin) -> web.Application:
    async def intents(request: web.Request) -> web.Response:
        after, limit = request.query.get("after", ""), int(request.query["limit"])
        later = [ref for ref in sorted(twin.intents) if ref > after]
        page = [twin.intents[ref] | {"amount_refunded": twin.refunded(ref)} for ref in later[:limit]]
        return web.json_response({"data": page, "has_more": len(later) > limit})

    app = web.Application()
    app.router.add_get("/sandbox/intents", intents)
    app.add_subapp("/stripe", twin.app())
    return app


if __name__ == "__main__":
    main()
