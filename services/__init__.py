"""One folder per service, `kit` below them all, `local` to run the whole on one machine."""
