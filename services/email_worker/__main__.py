from services.email_worker.app import compose
from services.email_worker.settings import EmailWorkerSettings
from services.kit.process import run

run(EmailWorkerSettings, compose)
