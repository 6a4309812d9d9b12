/** Before every page: a fresh nonce and the policy that names it. Next puts the nonce on its own scripts. */

import { NextResponse, type NextRequest } from "next/server";

import { contentSecurityPolicy } from "@/server/csp";
import { settings } from "@/server/settings";

export function proxy(request: NextRequest): NextResponse {
  const nonce = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64");
  const policy = contentSecurityPolicy(nonce, settings(), { development: process.env.NODE_ENV === "development" });
  const headers = new Headers(request.headers);
  headers.set("x-nonce", nonce);
  headers.set("Content-Security-Policy", policy);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set("Content-Security-Policy", policy);
  return response;
}

export const config = {
  matcher: [{ source: "/((?!api/|health|_next/static|sw.js|icon.svg|manifest.webmanifest).*)" }],
};
