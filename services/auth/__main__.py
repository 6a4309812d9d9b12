from services.auth.app import compose
from services.auth.settings import AuthSettings
from services.kit.process import run

run(AuthSettings, compose)
