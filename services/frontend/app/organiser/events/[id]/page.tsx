import type { Metadata } from "next";

import { SaleScreen } from "@/organiser/SaleScreen";
import { readerWords } from "@/server/words";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await readerWords()).t("organiser.live") };
}

export default async function SalePage({ params }: { params: Promise<{ id: string }> }) {
  return <SaleScreen id={(await params).id} />;
}
