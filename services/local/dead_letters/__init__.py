"""What no consumer and no worker could handle: looked at, and sent back (`python -m services dlq`)."""
