from services.kit.process import run
from services.payment.app import compose
from services.payment.settings import PaymentSettings

run(PaymentSettings, compose)
