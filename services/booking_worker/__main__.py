from services.booking_worker.app import compose
from services.booking_worker.settings import BookingWorkerSettings
from services.kit.process import run

run(BookingWorkerSettings, compose)
