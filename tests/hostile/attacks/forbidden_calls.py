"""Make every system call that leads out of a container or into rarely used parts of the kernel.

threats: 11
docker: answered
wasm: answered
answer: []
"""

from hostile import kernel, succeeded

CALLS = {
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "bpf": (321, 280), "userfaultfd": (323, 282), "perf_event_open": (298, 241),
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218), "mount": (165, 40),
    "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "unshare": (272, 97),
    "setns": (308, 268), "kexec_load": (246, 104), "init_module": (175, 105),
    "delete_module": (176, 106), "fanotify_init": (300, 262), "inotify_init1": (294, 26),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "msgget": (68, 186),
    "semget": (64, 190), "shmget": (29, 194), "mq_open": (240, 180), "memfd_create": (319, 279),
    "memfd_secret": (447, 447), "vmsplice": (278, 75), "splice": (275, 76), "tee": (276, 77),
    "process_mrelease": (448, 448), "move_pages": (279, 239), "migrate_pages": (256, 238),
    "mbind": (237, 235), "swapon": (167, 224), "reboot": (169, 142), "sethostname": (170, 161),
    "acct": (163, 89), "quotactl": (179, 60), "syslog": (103, 116), "personality": (135, 92),
    "fsopen": (430, 430), "open_tree": (428, 428), "move_mount": (429, 429),
    "landlock_create_ruleset": (444, 444), "seccomp": (317, 277), "clock_settime": (227, 112),
    "settimeofday": (164, 170), "adjtimex": (159, 171), "lookup_dcookie": (212, 18),
    "remap_file_pages": (216, 234), "signalfd4": (289, 74), "timer_create": (222, 107),
    "timerfd_create": (283, 85), "eventfd2": (290, 19), "mlockall": (151, 230),
    "sched_setattr": (314, 274), "cachestat": (451, 451), "mknodat": (259, 33),
    "setxattr": (188, 5), "sendfile": (40, 71), "copy_file_range": (326, 285),
    "modify_ldt": (154, -1), "iopl": (172, -1), "ioperm": (173, -1),
}  # fmt: skip


def solve(task):
    attempts = {name: lambda pair=pair: reached(*pair) for name, pair in CALLS.items()}
    return succeeded(**attempts)


def reached(*numbers):
    """Any other error than a filter's says that the kernel has looked at the arguments."""
    try:
        kernel(*numbers, 0, 0, 0, 0, 0, 0)
    except OSError as error:
        if error.errno in (1, 38):  # EPERM, ENOSYS
            raise
