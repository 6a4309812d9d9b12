"use client";

import type { CardProps } from "./card";
import { SandboxCard } from "./SandboxCard";
import { StripeCard } from "./StripeCard";

/** Stripe's own fields where there is a key for them, the sandbox's test cards else. */
export function CardForm({ stripeKey, ...props }: CardProps & { stripeKey: string }) {
  return stripeKey ? <StripeCard stripeKey={stripeKey} {...props} /> : <SandboxCard {...props} />;
}
