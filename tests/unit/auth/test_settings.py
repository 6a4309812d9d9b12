"""What stops the process before it listens."""

import pytest
from pydantic import ValidationError

from services.auth.settings import AuthSettings

SECRET = "sixteen letters!"


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"auth_key_secret": "short"},
        {"auth_key_secret": SECRET, "auth_admin_email": "root@example.com"},
        {"auth_key_secret": SECRET, "auth_admin_password": "a long enough one"},
        {"auth_key_secret": SECRET, "auth_admin_email": "root", "auth_admin_password": "a long enough one"},
        {"auth_key_secret": SECRET, "auth_admin_email": "root@example.com", "auth_admin_password": "password123"},
        {"auth_key_secret": SECRET, "organiser_signup": "maybe"},
        {"auth_key_secret": SECRET, "password_threads": 0},
    ],
)
def test_settings_that_can_not_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        AuthSettings(**wrong)


def test_the_defaults_are_the_ones_we_recommend() -> None:
    settings = AuthSettings(auth_key_secret=SECRET)

    assert (settings.argon2_memory_kib, settings.argon2_time_cost, settings.argon2_parallelism) == (19_456, 2, 1)
    assert (settings.access_token_lasts_s, settings.refresh_token_lasts_s) == (600, 2_592_000)
    assert settings.organiser_signup == "open"
    assert SECRET not in repr(settings)
