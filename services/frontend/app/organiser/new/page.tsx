import type { Metadata } from "next";

import { NewEventScreen } from "@/organiser/NewEventScreen";
import { readerWords } from "@/server/words";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await readerWords()).t("organiser.new") };
}

export default function NewEventPage() {
  return <NewEventScreen />;
}
