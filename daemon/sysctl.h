/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel settings under /proc/sys. For now they are only read. */
#pragma once

#include <stdint.h>

/* Reads a number, name as in sysctl(8): "net.core.rmem_max". -errno; -EINVAL if it is none. */
int sysctl_read(const char *name, uint64_t *ret);
