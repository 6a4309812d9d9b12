"""The platform on one machine: `python -m services --help` lists the commands."""

from services.local.command_line import main

main()
