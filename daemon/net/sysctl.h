/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sysctls with a number, through /proc/sys; net.* are those of this process's network namespace. */
#pragma once

#include <stdint.h>

/* name as in sysctl(8): "net.core.rmem_max", or with slashes alone where a part of it has a dot:
 * "net/ipv4/conf/eth0.5/rp_filter". -EINVAL: its value is no number; other -errno. */
int sysctl_read(const char *name, uint64_t *ret);

/* Reads back what it has written. -EIO: the kernel made another number of it; other -errno. */
int sysctl_write(const char *name, uint64_t value);
