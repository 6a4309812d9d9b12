from services.event.app import compose
from services.event.settings import EventSettings
from services.kit.process import run

run(EventSettings, compose)
