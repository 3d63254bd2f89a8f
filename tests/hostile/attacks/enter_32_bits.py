"""Make a system call by int 0x80, whose numbers are those of another instruction set.

threats: 13
docker: crashed
wasm: crashed
"""

import ctypes
import mmap


def solve(task):
    # mov eax, 20 (getpid); int 0x80; ret: a processor of another kind finds no program in it
    kind, rights = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ | mmap.PROT_WRITE
    page = mmap.mmap(-1, 4096, kind, rights | mmap.PROT_EXEC)
    page.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    return ctypes.CFUNCTYPE(ctypes.c_int)(address)()
