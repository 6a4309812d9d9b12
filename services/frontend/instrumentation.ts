/** Runs once, before the server listens: a setting that is missing stops it there. */

export async function register(): Promise<void> {
  const { settings } = await import("@/server/settings");
  settings();
}
