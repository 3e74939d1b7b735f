/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel settings under /proc/sys, of the network namespace that we are in. */
#pragma once

#include <stdint.h>

/* Reads a number, name as in sysctl(8): "net.core.rmem_max". -errno; -EINVAL if it is none. */
int sysctl_read(const char *name, uint64_t *ret);

/* Writes a number and reads it back. -errno; -EIO: the kernel made another number of it. */
int sysctl_write(const char *name, uint64_t value);
