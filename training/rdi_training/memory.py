"""How the C library hands memory to tensors on a CPU."""

import ctypes

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Parameters of mallopt(3), from glibc's malloc.h."""


def keep_freed_memory() -> bool:
    """Let this process keep what its tensors free for those of the next step; returns whether that can be had.

    glibc gives large blocks back to the system at once, and the system clears the pages of the next one: half the
    time of a training step of RDI-MobileNetV2. Other C libraries have no such switch and are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(*setting) == 1 for setting in ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, -1)))
