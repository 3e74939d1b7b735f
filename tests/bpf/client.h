/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the clients of these tests send first. All from one address, port 40000, to port 80.
 */
#pragma once

#include "frame.h"

#define CLIENT_ISN   1000
#define CLIENT_TSVAL 5000

static const struct frame_spec client_linux4 = {
	.seq = CLIENT_ISN,
	.options = { FRAME_LINUX_SYN(1460, CLIENT_TSVAL, 7) },
};

static const struct frame_spec client_linux6 = {
	.version = 6,
	.seq = CLIENT_ISN,
	.options = { FRAME_LINUX_SYN(1440, CLIENT_TSVAL, 7) },
};

static const struct frame_spec client_windows4 = {
	.seq = CLIENT_ISN,
	.options = { FRAME_WINDOWS_SYN(1460) },
};

static const struct frame_spec client_windows6 = {
	.version = 6,
	.seq = CLIENT_ISN,
	.options = { FRAME_WINDOWS_SYN(1440) },
};

/* No option at all, and no padding: 54 bytes. */
static const struct frame_spec client_bare4 = { .seq = CLIENT_ISN };
