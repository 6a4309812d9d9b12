from services.kit.process import run
from services.user.app import compose
from services.user.settings import UserSettings

run(UserSettings, compose)
