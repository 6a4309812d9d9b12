import type { Metadata } from "next";
import { notFound } from "next/navigation";

import { Away } from "@/components/Away";
import { Checkout } from "@/purchase/Checkout";
import { eventOf } from "@/server/events";
import { settings } from "@/server/settings";
import { readerWords } from "@/server/words";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await readerWords()).t("pay.title") };
}

export default async function CheckoutPage({ params }: { params: Promise<{ id: string }> }) {
  const [words, found] = await Promise.all([readerWords(), eventOf((await params).id)]);
  if ("missing" in found) notFound();
  if ("away" in found) {
    return (
      <div className="wide section">
        <Away words={words} />
      </div>
    );
  }
  return <Checkout event={found.value} stripeKey={settings().stripeKey} />;
}
