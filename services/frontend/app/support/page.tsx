import type { Metadata } from "next";

import { SupportScreen } from "@/support/SupportScreen";
import { readerWords } from "@/server/words";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await readerWords()).t("nav.support") };
}

export default function SupportPage() {
  return <SupportScreen />;
}
