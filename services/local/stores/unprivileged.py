"""Whom PostgreSQL runs as when we are root, which it refuses to be."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

from services.local.launch import Account
from services.local.stores.port import StoreFailed


def account_for(home: Path, *, needs: Path) -> Account | None:
    """None for an ordinary user; for root the owner of `home`, or nobody, who can reach both."""
    if os.geteuid() != 0:
        return None
    owner = home.stat()
    uid, gid = (owner.st_uid, owner.st_gid) if owner.st_uid else _nobody()
    return Account(uid, gid, reach=not (_open_to_all(home) and _open_to_all(needs)))


def give(folder: Path, account: Account | None) -> None:
    if account is not None:
        os.chown(folder, account.uid, account.gid)


def _nobody() -> tuple[int, int]:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError as error:
        raise StoreFailed("root, and no user `nobody` to run PostgreSQL: set POSTGRES_HOST") from error
    return entry.pw_uid, entry.pw_gid


def _open_to_all(path: Path) -> bool:
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.resolve().parents)
