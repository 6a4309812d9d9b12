"""HTTP: webhooks, and the sandbox's pages."""
