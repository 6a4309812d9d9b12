import type { Metadata } from "next";

import { readerWords } from "@/server/words";

import { SignInScreen } from "./SignInScreen";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await readerWords()).t("nav.signIn") };
}

export default async function SignInPage({ searchParams }: { searchParams: Promise<{ next?: string | string[] }> }) {
  const { next } = await searchParams;
  // Only a path of ours: another site's address would make this page its accomplice.
  const isPath = typeof next === "string" && /^\/(?![/\\])/.test(next);
  return <SignInScreen next={isPath ? next : "/"} />;
}
