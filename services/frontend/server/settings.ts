/** All that the web app may be told from outside; the only reader of the environment. */

export interface Settings {
  /** Where this server reaches the gateway. */
  gatewayUrl: string;
  /** Where a browser reaches realtime's socket. */
  socketUrl: string;
  /** Stripe's key for browsers; empty: the sandbox's form. */
  stripeKey: string;
  /** False only where the app is served without TLS, as on a laptop. */
  secureCookies: boolean;
  /** Of the cookies; empty: this host alone. Realtime needs them too, so name a domain that holds both. */
  cookieDomain: string;
  /** How long the gateway may take for one answer. */
  timeoutMs: number;
}

export function settings(): Settings {
  const env = process.env;
  return {
    gatewayUrl: address("GATEWAY_URL", /^https?:$/).replace(/\/+$/, ""),
    socketUrl: address("SOCKET_URL", /^wss?:$/),
    stripeKey: env["STRIPE_PUBLISHABLE_KEY"] ?? "",
    secureCookies: env["COOKIE_SECURE"] !== "false",
    cookieDomain: env["COOKIE_DOMAIN"] ?? "",
    timeoutMs: 12_000,
  };
}

/** Ports stand in topology.yaml and nowhere else, so there is no default. */
function address(name: string, schemes: RegExp): string {
  const value = process.env[name] ?? "";
  if (URL.canParse(value) && schemes.test(new URL(value).protocol)) return value;
  throw new Error(`${name}: must be a URL of ${schemes.source}, not ${JSON.stringify(value)}`);
}
