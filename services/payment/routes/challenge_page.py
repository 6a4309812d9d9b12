"""The bank's page of 3-D Secure, as the sandbox shows it. It works without JavaScript."""

from html import escape
from string import Template
from typing import Final

from services.payment.psp.intents import CANCELED, NEEDS_ACTION, SUCCEEDED, SandboxIntent

_PAGE: Final = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sandbox bank</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 28rem; margin: 3rem auto; padding: 0 1rem; color: #1a1a1a }
.warning { background: #fff3cd; border: 2px solid #8a6d00; padding: .75rem }
.amount { font-size: 2rem; margin: 1rem 0 }
button { font: inherit; padding: .6rem 1.2rem; margin-right: .5rem }
</style></head><body>
<main>
<p class="warning" role="note"><strong>Sandbox: no money moves.</strong> This page stands in for a bank.</p>
<h1>Is this you?</h1>
<p class="amount">$amount</p>
<p>$sentence</p>
$form
</main></body></html>
""")
_FORM: Final = """<form method="post">
<button name="outcome" value="approve">Approve</button>
<button name="outcome" value="fail">Fail</button>
</form>"""
_SENTENCES: Final = {
    NEEDS_ACTION: "The ticket shop asks your bank to confirm this payment.",
    SUCCEEDED: "Approved. You may close this page.",
    CANCELED: "This payment was cancelled. You may close this page.",
}


def challenge_page(intent: SandboxIntent) -> str:
    refused = "The payment was not made. You may close this page."
    return _PAGE.substitute(
        # In minor units: how many there are to a unit differs between currencies.
        amount=escape(f"{intent.amount_minor} {intent.currency} (minor units)"),
        sentence=_SENTENCES.get(intent.status, refused),
        form=_FORM if intent.status == NEEDS_ACTION else "",
    )
