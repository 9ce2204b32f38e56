"""Runs a command: its exit code, its seconds and its resource usage, for tests and benches.

Linux begins a process's peak memory with that of the process that started it, and a test or a bench is larger than what it measures.
So the command is started by a second, bare Python (this file as a program) of some 9 MB: no peak below that can be told.
"""
import os
import sys
import time


def run(command, **options):
    """Options are those of subprocess.Popen, but for pipes, which nobody reads. The usage has ru_maxrss (KiB), ru_utime and ru_stime."""
    import subprocess
    import types
    command = [os.fspath(word) if isinstance(word, os.PathLike) else str(word) for word in command]
    read, write = os.pipe()
    with open(read) as report:
        try:
            process = subprocess.Popen([sys.executable, "-I", "-S", __file__, str(write), *command], pass_fds=[write], **options)
        finally:
            os.close(write)
        words = report.read().split()
    if process.wait() != 0 or len(words) != 5:
        raise RuntimeError(f"{command[0]} can't be started")
    code, seconds, user, system, most = words
    return int(code), float(seconds), types.SimpleNamespace(ru_maxrss=int(most), ru_utime=float(user), ru_stime=float(system))


def main(report, command):
    os.set_inheritable(report, False)
    start = time.perf_counter()
    # Python ignores SIGPIPE (13) and SIGXFSZ (25); the command shall not. The module signal would make this process larger.
    _, status, usage = os.wait4(os.posix_spawnp(command[0], command, os.environ, setsigdef=[13, 25]), 0)
    seconds = time.perf_counter() - start
    os.write(report, f"{os.waitstatus_to_exitcode(status)} {seconds} {usage.ru_utime} {usage.ru_stime} {usage.ru_maxrss}".encode())


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
