/** Runs once, before the server listens: a setting that is missing stops it there. */

export async function register(): Promise<void> {
  const { settings } = await import("@/server/settings");
  try {
    settings();
  } catch (error) {
    // Raised from here it would be logged for every request, and each be answered with 500.
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}
