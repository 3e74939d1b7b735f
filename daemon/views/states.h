/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many TCP sockets are in which state, of this network namespace and per listener, as JSON.
 *
 * Has the kernel tell every socket, so it takes as long as there are many; in the worker.
 */
#pragma once

#include <stdio.h>

/* -errno */
int states_write(FILE *to);
