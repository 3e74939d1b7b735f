/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is attached to the stage's interface in the server host, asked of the kernel.
 *
 * Functions fail the running test with the reason, so callers check nothing.
 */
#pragma once

#include <linux/types.h>

#include "stage.h"

enum hook {
	HOOK_XDP,
	HOOK_INGRESS,
	HOOK_EGRESS,
	HOOKS,
};

/* Ids are never used twice; 0: none. */
struct hooks {
	int ifindex;
	__u32 programs[HOOKS];
	__u32 links[HOOKS];
};

/* Fails where a hook of tcx has more than one program: one of a daemon before is left. */
struct hooks hooks_of(struct stage *s);

/* The same, and each has a program, and a link. */
struct hooks hooks_of_all(struct stage *s);

/* Waits until none has a program; the kernel frees them behind a grace period or two. */
void hooks_await_none(struct stage *s);
