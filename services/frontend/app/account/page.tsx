import type { Metadata } from "next";

import { AccountScreen } from "@/account/AccountScreen";
import { readerWords } from "@/server/words";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await readerWords()).t("nav.account") };
}

export default function AccountPage() {
  return <AccountScreen />;
}
