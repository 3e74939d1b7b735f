/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What XDP has to do with a frame, said a second time and in another way: from the RFCs and from
 * the rules that comments and man pages give, with offsets into bytes instead of structs, and without any header of bpf/.
 * Where it and the program disagree one of them is wrong.
 *
 * The state of a service is struct sg_service, which both sides know anyway; the model is told it
 * as it is before the frame and tells it as it has to be afterwards. Not modelled are the reply
 * budget (off), a client's allowance between none and endless, and the renewal of a lease: they
 * have tests of their own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "synguard/abi.h"

#define MODEL_PLACES_MAX  96
#define MODEL_CLIENTS_MAX 4
#define MODEL_ROOM	  2048

/* What a look at a listener finds. */
struct model_listener {
	int backlog;
	int half_open;
	bool in_group;
	bool v6only;
	__u32 hindrance; /* verdict, or 0 */
	__u32 window_space;
	__u16 user_mss;
	__u8 wscale;
	__u8 offers;
	__u8 ttl;
	bool own_ttl; /* by a socket option, so that no route's counts */
	__u8 tos;
};

/* An address and a port that SYNs may be for. */
struct model_place {
	struct sg_addr addr;
	__u16 port;			       /* host order */
	bool local;			       /* the address is this host's */
	bool no_room;			       /* the service table has none for it */
	const struct model_listener *listener; /* NULL: nobody listens */
	struct sg_service service;	       /* state SG_SERVICE_FREE: not in the table */
};

struct model {
	__u8 key[16];
	__u32 tsval_offset;
	__u32 mode;
	__u32 arm_percent;
	__u64 heartbeat_ns;
	__u64 lease_ns;
	__u32 ifindex;
	__u8 macs[2][6]; /* the interface's, and that of one above it */
	__u32 mtu;
	bool clients_admitted; /* whoever is verified has an allowance */
	struct sg_addr clients[MODEL_CLIENTS_MAX];
	int client_count;
	struct model_place places[MODEL_PLACES_MAX];
	int place_count;
};

struct model_answer {
	enum sg_verdict verdict;
	__u8 frame[MODEL_ROOM]; /* as it leaves */
	size_t length;
	int place;		   /* whose service was asked for, -1 = none of the places */
	struct sg_service service; /* of the place, afterwards */
	bool asked;		   /* the SYN was counted for it */
	bool challenged;
};

/*
 * linear: the bytes that can be read directly; the rest of the frame is in fragments. now_ns is
 * the monotonic clock, clock_ms the one of the timestamps.
 */
void model_judge(const struct model *m, const __u8 *frame, size_t bytes, size_t linear,
		 __u64 now_ns, __u64 clock_ms, struct model_answer *a);

/* SipHash-2-4 of bytes, as the paper has it. */
__u64 model_siphash(const __u8 key[16], const __u8 *bytes, size_t count);
