"""The API's table: one module a tag; every path, what it takes, gives and refuses."""
