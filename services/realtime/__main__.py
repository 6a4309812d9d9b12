from services.kit.process import run
from services.realtime.app import compose
from services.realtime.settings import RealtimeSettings

run(RealtimeSettings, compose)
