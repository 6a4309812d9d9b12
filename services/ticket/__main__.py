from services.kit.process import run
from services.ticket.app import compose
from services.ticket.settings import TicketSettings

run(TicketSettings, compose)
