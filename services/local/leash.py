"""Becomes another program that dies when its parent does, optionally as an unprivileged user.

`python -I -S leash.py parent=PID signal=9 nice=0 uid=-1 gid=-1 reach=0 -- program argument…`

A script and not a `preexec_fn`, which may deadlock in a process that has threads. The order below
is not free: the kernel forgets the death signal when the user changes, and capabilities survive a
change of user only on request.
"""

import ctypes
import os
import sys
from typing import Final

PR_SET_PDEATHSIG: Final = 1
PR_GET_SECUREBITS: Final = 27
PR_SET_SECUREBITS: Final = 28
PR_CAP_AMBIENT: Final = 47
PR_CAP_AMBIENT_RAISE: Final = 2
SECBIT_NO_SETUID_FIXUP: Final = 1 << 2
CAPABILITY_VERSION_3: Final = 0x20080522
CAP_DAC_OVERRIDE: Final = 1
CAP_DAC_READ_SEARCH: Final = 2

_libc = ctypes.CDLL(None, use_errno=True)


def main(arguments: list[str]) -> None:
    split = arguments.index("--")
    wish = {name: int(value) for name, value in (word.split("=") for word in arguments[:split])}
    command = arguments[split + 1 :]

    if wish["nice"]:
        os.nice(wish["nice"])
    if wish["uid"] >= 0:
        _become(wish["uid"], wish["gid"], reach=bool(wish["reach"]))
    if sys.platform == "linux":
        _die_with_parent(wish["parent"], wish["signal"])

    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is the point
    except OSError as error:
        sys.exit(f"cannot run {command[0]}: {error.strerror}")


def _become(uid: int, gid: int, *, reach: bool) -> None:
    if reach:
        capability = _capability_to_reach()
        # Without this bit access(2), by which PostgreSQL looks for itself, ignores capabilities.
        _prctl(PR_SET_SECUREBITS, _prctl(PR_GET_SECUREBITS) | SECBIT_NO_SETUID_FIXUP)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if reach:
        _retain(capability)


def _capability_to_reach() -> int:
    """A checkout under /root (mode 700) is closed to everyone else: the least that opens it."""
    with open("/proc/self/status", encoding="ascii") as status:
        permitted = next(int(line.split()[1], 16) for line in status if line.startswith("CapPrm:"))
    for capability in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
        if permitted >> capability & 1:
            return capability
    sys.exit("closed to an unprivileged user, and this root has no capability to change that")


def _retain(capability: int) -> None:
    mask = 1 << capability
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    # Effective, permitted, inheritable; then their upper halves.
    sets = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    if _libc.capset(header, sets) != 0:
        sys.exit(f"capset: {os.strerror(ctypes.get_errno())}")
    _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability)


def _die_with_parent(parent: int, death_signal: int) -> None:
    _prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:  # it died before we asked to be told
        sys.exit("parent is gone")


def _prctl(option: int, *arguments: int) -> int:
    padded = (*arguments, 0, 0, 0, 0)[:4]
    result: int = _libc.prctl(option, *(ctypes.c_ulong(argument) for argument in padded))
    if result < 0:
        sys.exit(f"prctl {option}: {os.strerror(ctypes.get_errno())}")
    return result


if __name__ == "__main__":
    main(sys.argv[1:])
