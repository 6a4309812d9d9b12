/** The Content-Security-Policy of every page: our own files, our own socket, and Stripe's where it is used. */

import type { Settings } from "./settings";

/** As Stripe asks for: the script opens frames of itself, and parts of it come from names below this one. */
const STRIPE_SCRIPTS = ["https://js.stripe.com", "https://*.js.stripe.com"];

export function contentSecurityPolicy(nonce: string, settings: Settings, { development = false } = {}): string {
  const stripe = settings.stripeKey !== "";
  const rules: Record<string, string[]> = {
    "default-src": ["'self'"],
    "script-src": [
      "'self'",
      `'nonce-${nonce}'`,
      ...(stripe ? STRIPE_SCRIPTS : []),
      ...(development ? ["'unsafe-eval'"] : []),
    ],
    "style-src": ["'self'", `'nonce-${nonce}'`],
    "img-src": ["'self'", "data:", "blob:"],
    "connect-src": ["'self'", new URL(settings.socketUrl).origin, ...(stripe ? ["https://api.stripe.com"] : [])],
    "frame-src": stripe ? [...STRIPE_SCRIPTS, "https://hooks.stripe.com"] : ["'none'"],
    "worker-src": ["'self'"],
    "object-src": ["'none'"],
    "base-uri": ["'none'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
  };
  return Object.entries(rules)
    .map(([name, values]) => `${name} ${values.join(" ")}`)
    .join("; ");
}
