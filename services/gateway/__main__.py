from services.gateway.app import compose
from services.gateway.settings import GatewaySettings
from services.kit.process import run

run(GatewaySettings, compose)
