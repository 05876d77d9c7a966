"""What large tensors freed is used again without the system's help."""

import platform
import subprocess
import sys

import pytest

COUNT_PAGE_FAULTS = """
import resource
import torch
from rdi_training.memory import keep_freed_memory

def page_faults() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def allocate() -> None:
    for _ in range(16):
        torch.ones(16, 2**20)  # 64 MiB: 16,384 pages

if {keep}:
    assert keep_freed_memory()
allocate()
before = page_faults()
allocate()
print(page_faults() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told to keep freed memory")
def test_freed_memory_is_kept() -> None:
    def faults(keep: bool) -> int:
        script = COUNT_PAGE_FAULTS.format(keep=keep)
        return int(subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout)

    assert faults(keep=True) < 100 < faults(keep=False)
