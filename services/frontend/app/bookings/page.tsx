import type { Metadata } from "next";

import { BookingsScreen } from "@/booking/BookingsScreen";
import { readerWords } from "@/server/words";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await readerWords()).t("nav.bookings") };
}

export default function BookingsPage() {
  return <BookingsScreen />;
}
