"""The platform on one machine: `python -m services run | demo | bench | migrate | sagas`."""

from services.local.command_line import main

main()
