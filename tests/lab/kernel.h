/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the running kernel must have for synguard to defend anything. */
#pragma once

/*
 * Says on `talk` which features the kernel lacks, a line each, and which package brings them.
 * Returns how many are missing. Asks the kernel's BTF, never its version.
 */
#include <stdio.h>

unsigned int kernel_lacks(FILE *talk);

/* libbpf says nothing more on stderr; our own errors say what matters. */
void kernel_quiet(void);
