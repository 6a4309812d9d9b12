"""Money in and out, through a payment service provider."""
