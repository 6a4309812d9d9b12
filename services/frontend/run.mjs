// Serves the app on this machine, built first if its sources have changed: `node run.mjs`, or `node run.mjs --build`.
// The image builds with Docker instead and starts the same server (see Dockerfile).

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const HERE = import.meta.dirname;
const STAMP = join(HERE, ".next", "sources");
const SERVER = join(HERE, ".next", "standalone", "server.js");
// Not sources: what is installed, what is made, and what only tests and images read.
const SKIPPED = new Set(["node_modules", ".next", "tests", "schema.d.ts", "next-env.d.ts", "Dockerfile", "tsconfig.tsbuildinfo"]);

function* files(folder) {
  for (const name of readdirSync(folder).sort()) {
    if (SKIPPED.has(name)) continue;
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* files(path);
    else yield path;
  }
}

function digest() {
  const hash = createHash("sha256").update(process.version);
  for (const path of files(HERE)) hash.update(path.slice(HERE.length)).update(readFileSync(path));
  return hash.digest("hex");
}

/** Nicely: whoever is served meanwhile comes first. */
function npm(...words) {
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: "1", NODE_ENV: "" };
  delete env.NODE_ENV;
  const { status } = spawnSync("nice", ["-n", "10", "npm", ...words], { cwd: HERE, env, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

const sources = digest();
if (!existsSync(SERVER) || !existsSync(STAMP) || readFileSync(STAMP, "utf8") !== sources) {
  npm("ci", "--no-progress");
  npm("run", "build");
  cpSync(join(HERE, ".next", "static"), join(HERE, ".next", "standalone", ".next", "static"), { recursive: true });
  cpSync(join(HERE, "public"), join(HERE, ".next", "standalone", "public"), { recursive: true });
  writeFileSync(STAMP, sources);
}
if (!process.argv.includes("--build")) await import(SERVER);
