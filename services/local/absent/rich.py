"""A service's image has no `rich`; the development environment has it, and structlog imports it wherever it is.

First on the path of a local service, this makes it absent there too: 7 MB less in each of ten processes.
"""

raise ImportError("services run without rich, as in their images")
