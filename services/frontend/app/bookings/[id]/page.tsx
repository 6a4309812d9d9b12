import type { Metadata } from "next";

import { BookingScreen } from "@/booking/BookingScreen";
import { settings } from "@/server/settings";
import { readerWords } from "@/server/words";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await readerWords()).t("booking.title") };
}

export default async function BookingPage({ params }: { params: Promise<{ id: string }> }) {
  return <BookingScreen id={(await params).id} stripeKey={settings().stripeKey} />;
}
