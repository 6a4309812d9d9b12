"""What every service stands on. It knows no service; a service takes from it only what it needs."""
