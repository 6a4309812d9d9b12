// Loads the page that was asked for as soon as there is somebody to ask.
const AGAIN_MS = 4000;

addEventListener("online", () => location.reload());
setInterval(async () => {
  try {
    if ((await fetch("/health/live", { cache: "no-store" })).ok) location.reload();
  } catch {
    // Still away.
  }
}, AGAIN_MS);
