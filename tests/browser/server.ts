/** The web app's server as its image starts it: built, alone, and as somebody to whom none of its files belong. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";

const SERVER = join(import.meta.dirname, "../../services/frontend/.next/standalone/server.js");
/** As in services/frontend/Dockerfile; only root may become somebody else. */
const NOBODY = process.getuid?.() === 0 ? { uid: 10001, gid: 10001 } : {};

export interface Server {
  url: string;
  process: ChildProcess;
  /** What it has written so far. */
  said(): string;
  stop(): Promise<void>;
}

export async function startServer(settings: Record<string, string>): Promise<Server> {
  const port = await freePort();
  const env = { PATH: process.env["PATH"], NODE_ENV: "production", PORT: String(port), HOSTNAME: "127.0.0.1", COOKIE_SECURE: "false", ...settings };
  const child = spawn(process.execPath, [SERVER], { env, stdio: ["ignore", "pipe", "pipe"], ...NOBODY });
  const ended = once(child, "exit");
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text: Buffer) => (said += text.toString()));
  return {
    url: `http://localhost:${port}`,
    process: child,
    said: () => said,
    stop: async () => {
      child.kill();
      await ended;
    },
  };
}

/** An address at which nobody listens. */
export async function nowhere(): Promise<string> {
  return `http://127.0.0.1:${await freePort()}`;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
