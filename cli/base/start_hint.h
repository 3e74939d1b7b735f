/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command that starts the daemon on this machine. */
#pragma once

#include <stddef.h>

/*
 * "systemctl start synguard" where systemd runs and knows the unit and the runtime directory is the
 * standard one; otherwise synguardd with the options that it needs. root: "" or a folder in whose
 * place the machine is looked at.
 */
const char *start_hint(const char *root, const char *runtime_dir, char *buffer, size_t size);
