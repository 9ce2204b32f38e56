"""Programs that a test starts and that surely end: each has a session (setsid) of its own, and its end is the end of everything in
that session, also of what has left the program's process group (PySpark's daemon does)."""
import contextlib
import ctypes
import os
import pathlib
import signal
import subprocess
import time

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1


def _end_with_parent():
    """Runs in the child: when the tests are killed outright, so that nothing of theirs runs any more, the kernel ends it."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def session_members(session):
    """The processes of a session that still run."""
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                # After the name, which may hold anything: state, parent, group, session.
                state, _, _, number = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[:4]
                if int(number) == session and state not in "ZX":
                    found.append(int(folder.name))
    return found


def kill_session(process, seconds=30):
    """Kills the process and all that it started, and waits until they are gone."""
    until = time.monotonic() + seconds
    while members := session_members(process.pid):
        for member in members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(member, signal.SIGKILL)
        process.poll()
        if time.monotonic() > until:
            raise RuntimeError(f"processes {members} can't be killed")
        time.sleep(0.02)
    process.wait()


def start(command, environment, folder, output, errors):
    """Popen in a session of its own; `output` and `errors` are open files."""
    return subprocess.Popen([*map(os.fspath, command)], env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=output,
                            stderr=errors, start_new_session=True, preexec_fn=_end_with_parent)
