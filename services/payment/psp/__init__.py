"""Payment service providers: Stripe, and the sandbox that moves no money."""
