/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other programs of synguard: where one is, and the command that starts the daemon. */
#pragma once

#include <stddef.h>

/* Where the program is: in a build tree beside this one, else where it is installed. */
void program_find(char *path, size_t size, const char *name);

/*
 * "systemctl start synguard" where systemd runs, knows the unit, and the runtime directory is the
 * standard one; otherwise synguardd with the option that it needs. root: "" or, for tests, a folder
 * that stands for "/". Returns buffer.
 */
const char *start_hint(const char *root, const char *runtime_dir, char *buffer, size_t size);
