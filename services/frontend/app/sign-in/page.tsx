import type { Metadata } from "next";

import { pathOfOurs } from "@/server/guard";
import { readerWords } from "@/server/words";

import { SignInScreen } from "./SignInScreen";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await readerWords()).t("nav.signIn") };
}

export default async function SignInPage({ searchParams }: { searchParams: Promise<{ next?: string | string[] }> }) {
  const { next } = await searchParams;
  return <SignInScreen next={pathOfOurs(next)} />;
}
