"use client";

/** What every component may ask for: words, who is signed in, the live socket. */

import { createContext, useCallback, useContext, useEffect, useMemo, useState, useSyncExternalStore, type ReactNode } from "react";

import { onSignedOut, send } from "@/api/client";
import { LiveSocket, type Heard } from "@/live/socket";
import { wordsOf, type Locale, type Messages, type Words } from "@/messages";
import { belongsTo, forgetOrders } from "@/purchase/order";
import type { Person } from "@/server/session";

interface Session {
  person: Person | null;
  /** The session of that person has ended elsewhere: in another tab, or by its time. */
  hasEnded: boolean;
  /** Not to be asked for it until it is missed again. */
  later(): void;
  signedIn(person: Person): void;
  /** Raises Refused or Unreachable; then nothing has changed. */
  signOut(): Promise<void>;
}

const WordsContext = createContext<Words | null>(null);
const SessionContext = createContext<Session | null>(null);
const SocketContext = createContext<LiveSocket | null>(null);

interface Props {
  locale: Locale;
  messages: Messages;
  person: Person | null;
  socketUrl: string;
  children: ReactNode;
}

export function Providers({ locale, messages, person: first, socketUrl, children }: Props) {
  const words = useMemo(() => wordsOf(locale, messages), [locale, messages]);
  const [person, setPerson] = useState(first);
  const [hasEnded, setHasEnded] = useState(false);
  const socket = useMemo(() => new LiveSocket(socketUrl), [socketUrl]);
  const signedIn = useCallback(
    (who: Person) => {
      if (belongsTo(who.id)) void forgetTickets();
      setPerson(who);
      setHasEnded(false);
      socket.again();
    },
    [socket],
  );
  const signOut = useCallback(async () => {
    await send("/api/session", { method: "DELETE" });
    forgetOrders();
    await forgetTickets();
    setPerson(null);
    setHasEnded(false);
    socket.again();
  }, [socket]);
  const later = useCallback(() => setHasEnded(false), []);
  useEffect(() => onSignedOut(() => setHasEnded(true)), []);
  useEffect(() => {
    const back = () => socket.again();
    addEventListener("online", back);
    // Not before everything is loaded: it would take its share of a slow network.
    if (document.readyState === "complete") keepWorker();
    else addEventListener("load", keepWorker);
    return () => {
      removeEventListener("online", back);
      removeEventListener("load", keepWorker);
    };
  }, [socket]);
  const session = useMemo(() => ({ person, hasEnded, later, signedIn, signOut }), [person, hasEnded, later, signedIn, signOut]);
  return (
    <WordsContext value={words}>
      <SessionContext value={session}>
        <SocketContext value={socket}>{children}</SocketContext>
      </SessionContext>
    </WordsContext>
  );
}

/** Those that were kept for offline use belong to whoever was signed in. */
async function forgetTickets(): Promise<void> {
  if ("caches" in window) await caches.delete("tickets");
}

function keepWorker(): void {
  if ("serviceWorker" in navigator) void navigator.serviceWorker.register("/sw.js").catch(() => undefined);
}

function given<T>(value: T | null): T {
  if (value === null) throw new Error("outside of <Providers>");
  return value;
}

export function useWords(): Words {
  return given(useContext(WordsContext));
}

export function useSession(): Session {
  return given(useContext(SessionContext));
}

export function useSocket(): LiveSocket {
  return given(useContext(SocketContext));
}

/** Hears everything while the component is there. `listener` should be stable. */
export function useHeard(listener: (message: Heard) => void): void {
  const socket = useSocket();
  useEffect(() => socket.listen(listener), [socket, listener]);
}

export function useRoom(room: string | null): void {
  const socket = useSocket();
  useEffect(() => (room === null ? undefined : socket.join(room)), [socket, room]);
}

/** Whether live messages arrive at this moment. */
export function useIsLive(): boolean {
  const socket = useSocket();
  const watch = useCallback((changed: () => void) => socket.watch(changed), [socket]);
  return useSyncExternalStore(watch, () => socket.isReady, () => false);
}

export function useIsOnline(): boolean {
  return useSyncExternalStore(watchOnline, () => navigator.onLine, () => true);
}

function watchOnline(changed: () => void): () => void {
  addEventListener("online", changed);
  addEventListener("offline", changed);
  return () => {
    removeEventListener("online", changed);
    removeEventListener("offline", changed);
  };
}
