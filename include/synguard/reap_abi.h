/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Half-open connections that are asked after: what daemon/dataplane/requests.c writes, and what
 * bpf/reap.bpf.c says of each.
 */
#pragma once

#include "synguard/abi.h"

/*
 * So many are judged at once. Between a judgement and what follows from it a client may answer, so
 * they are few: the batch takes microseconds.
 */
#define SG_REQUESTS_MAX 16

enum sg_request_verdict {
	SG_REQUEST_GONE,     /* it is no half-open connection any more, or it is another one */
	SG_REQUEST_YOUNG,    /* it may still be answered */
	SG_REQUEST_ACKED,    /* it has been answered: the listener waits, not the client */
	SG_REQUEST_DEFERRED, /* its listener has TCP_DEFER_ACCEPT, where clients may be silent */
	SG_REQUEST_RIPE,     /* nobody answers it */
	SG_REQUEST_VERDICTS,
};

struct sg_request {
	struct sg_addr addr, peer; /* an IPv4 address is v4-mapped */
	__u64 cookie;		   /* of the socket: never used twice while the host is up */
	__be16 port, peer_port;
	__u8 verdict;  /* enum sg_request_verdict: the answer */
	__u8 answered; /* by the client; whatever the verdict, unless it is GONE */
	__u8 pad[2];
	__u32 age_ms; /* since the SYN-ACK was sent first; the same */
	__u32 pad_end;
};

struct sg_requests {
	__u64 life_usec; /* from which age on one is ripe */
	__u32 count;	 /* of those below that are asked after */
	__u32 pad;
	struct sg_request items[SG_REQUESTS_MAX];
};

_Static_assert(sizeof(struct sg_request) == 56, "no padding that nobody wrote");
