from ticketing_operator.command_line import main

main()
