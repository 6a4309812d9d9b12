/** As much of Stripe.js as is used here. It comes from Stripe and from nowhere else, as Stripe requires. */

export interface StripeElement {
  mount(where: HTMLElement): void;
  destroy(): void;
}

export interface Stripe {
  elements(): { create(kind: "card", options: object): StripeElement };
  createPaymentMethod(wanted: {
    type: "card";
    card: StripeElement;
  }): Promise<{ paymentMethod?: { id: string }; error?: { message?: string } }>;
  handleNextAction(wanted: { clientSecret: string }): Promise<{ error?: { message?: string } }>;
}

type StripeJs = (key: string, options: { locale: string }) => Stripe;

const SOURCE = "https://js.stripe.com/v3/";
let loading: Promise<Stripe> | null = null;

/** `locale`: of what Stripe says to a person. */
export function loadStripe(key: string, locale: string): Promise<Stripe> {
  loading ??= new Promise<Stripe>((resolve, reject) => {
    const script = document.createElement("script");
    const failed = (why: string) => {
      // Whoever asks again begins anew.
      loading = null;
      script.remove();
      reject(new Error(why));
    };
    script.src = SOURCE;
    script.onload = () => {
      const made = (window as unknown as { Stripe?: StripeJs }).Stripe?.(key, { locale });
      if (made) resolve(made);
      else failed("Stripe.js did not start");
    };
    script.onerror = () => failed("Stripe.js did not load");
    document.head.append(script);
  });
  return loading;
}
