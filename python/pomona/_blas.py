"""NumPy's BLAS on one thread while a fit asks it something."""
from __future__ import annotations

import contextlib
from typing import Iterator


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """OpenBLAS's own threads wait for each other by spinning: on cores that do other things as well (a Spark driver, the threads of a fit)
    half a second of eigenvalues took up to fifteen, on one thread it is always half a second."""
    import threadpoolctl

    with threadpoolctl.threadpool_limits(limits=1, user_api="blas"):
        yield
