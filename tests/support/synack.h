/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a challenge must be, whatever else it says: judged from the two frames alone, by the
 * decoder of frame.h, so that it holds for bytes made on the host, by BPF_PROG_RUN or on a wire.
 */
#pragma once

#include "frame.h"

/*
 * Returns NULL, or what is wrong with synack as the answer to syn: checksums, lengths, swapped
 * addresses, tags, acknowledgment, flags, options beyond those of the SYN, payload, padding.
 */
const char *synack_wrong(const void *syn, size_t syn_bytes, const void *synack,
			 size_t synack_bytes);
