import type { Metadata } from "next";

import { EventsScreen } from "@/organiser/EventsScreen";
import { readerWords } from "@/server/words";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await readerWords()).t("nav.organiser") };
}

export default function OrganiserPage() {
  return <EventsScreen />;
}
