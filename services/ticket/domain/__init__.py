"""Places, holds and tickets: values, and what is decided about them. No I/O, no clock."""
