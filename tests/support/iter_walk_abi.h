/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What iter_walk.bpf.c writes. */
#pragma once

#include "synguard/abi.h"

struct iter_walk_row {
	struct sg_addr peer, addr;
	__be16 peer_port, port;
	__u32 pad;
};
