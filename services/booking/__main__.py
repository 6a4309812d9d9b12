from services.booking.app import compose
from services.booking.settings import BookingSettings
from services.kit.process import run

run(BookingSettings, compose)
