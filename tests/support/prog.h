/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real programs, loaded, and run on frames that a test made up.
 *
 * A packet comes in three ways:
 *
 *	prog_run()	through one program by BPF_PROG_RUN; the stack never sees it
 *	prog_expect()	the same, and exactly one counter moves; use expect_verdict()
 *	prog_deliver()	as a live frame past XDP into tcx ingress and the stack behind it
 *
 * Leaves to the caller the network namespace, an interface in it, and listeners: the look-ups of
 * the programs are real. Nothing outlives the process. What cannot be set up fails the running
 * test and says why, so nothing here returns an error.
 */
#pragma once

#include <check.h>
#include <stdbool.h>
#include <stddef.h>

#include "frame.h"
#include "synguard/abi.h"
#include "synguard/heavy_hitters_abi.h"

struct synguard_bpf;

struct prog_frame {
	__u8 bytes[FRAME_ROOM];
	size_t length;
};

struct prog {
	struct synguard_bpf *skel;   /* without the generic XDP program and the walk */
	struct sg_control *control;  /* the programs' own; mode auto, heartbeat now */
	struct sg_service *services; /* [SG_SERVICES_MAX], mapped */
	unsigned int ifindex;	     /* where packets come in and go out */
	int pass_fd;		     /* an XDP program that passes */

	/* for the next runs; a test sets and clears them */
	bool alone;		   /* ingress counts SYNs (SG_INGRESS_COUNTS) */
	bool answers;		   /* ingress answers them (SG_INGRESS_ANSWERS) */
	__u32 skb_mark;		   /* skb->cb[0] */
	__u32 skb_ingress_ifindex; /* egress: where the packet came from */
	__u32 xdp_linear_bytes;	   /* XDP: the rest of the frame is in fragments; 0 = none is */

	int links[3];
	int link_count;
	struct sg_counters marked[SG_PROGRAM_COUNT];
	struct prog_frame out; /* of the last run */
};

/*
 * Why this process cannot load programs and make namespaces, or NULL; for SUITE_NEEDS. To be called
 * before the first namespace is entered: some limits are shown in the machine's first one only.
 */
const char *prog_lacks(void);

/*
 * Loads the programs for an interface of the current namespace. Mode is auto, the heartbeat is now,
 * and the default destinations of struct frame_spec are local addresses. Keeps the process on the
 * CPU that it is on, as the programs' promises and quotas are per CPU or nearly so.
 */
struct prog *prog_new(unsigned int ifindex);

/* The key epochs of the next prog_new(), which begins with 2^36 ns. */
extern __u8 prog_epoch_shift;
/* The windows in which sources are counted, 2^33 ns; and whether they are counted at all, 1. */
extern __u8 prog_hitter_shift, prog_count_sources;
/* Whether the next prog_new() loads all programs, also those that no run of a test takes; false. */
extern bool prog_all;
struct prog *prog_free(struct prog *p);

/* The program that the next run takes: of ingress the one that alone and answers ask for. */
int prog_fd(struct prog *p, enum sg_program program);

/* Attaches the tcx programs to the interface and the tracepoint, as the daemon does. */
void prog_attach(struct prog *p);
/* Undoes that: what the stack sends by itself then no longer moves a counter. */
void prog_detach(struct prog *p);

/* ---- frames -------------------------------------------------------------------------------- */

struct prog_frame prog_frame(const struct frame_spec *spec);
struct frame_view prog_view(const struct prog_frame *f);

/* Runs one program; returns its return code, and p->out is the frame that it left. */
int prog_run(struct prog *p, enum sg_program program, const struct prog_frame *in);

/* Whether xdp_linear_bytes can be had of this kernel (6.18 and later). */
bool prog_can_split(struct prog *p);

/*
 * Runs one program and returns its verdict. Asserts what holds for every packet: packets and one
 * verdict went up by one, no other counter of any program moved, and the return code is the
 * verdict's action; a reply is what synack_wrong() demands of one, any other frame is untouched.
 * file and line are told where that fails.
 */
enum sg_verdict prog_judge(struct prog *p, enum sg_program program, const struct prog_frame *in,
			   const char *file, int line);

/* The same, and it is this verdict; use expect_verdict(). Returns the frame that came out. */
const struct prog_frame *prog_expect(struct prog *p, enum sg_program program,
				     const struct prog_frame *in, enum sg_verdict verdict,
				     const char *file, int line);

#define expect_frame(p, program, frame, verdict)                                                   \
	prog_expect(p, program, frame, verdict, __FILE__, __LINE__)

#define expect_verdict(p, program, spec, verdict)                                                  \
	({                                                                                         \
		struct prog_frame frame_ = prog_frame(spec);                                       \
		expect_frame(p, program, &frame_, verdict);                                        \
	})

/* Runs the SYN, which has to be challenged, and returns the ACK with which its client answers. */
struct frame_spec prog_answer(struct prog *p, const struct frame_spec *syn);

/* Hands the frame to the interface; tcx ingress sees it if prog_attach() was called. */
void prog_deliver(struct prog *p, const struct prog_frame *f);

/* prog_deliver(), and exactly this ingress verdict is counted. */
void prog_deliver_expect(struct prog *p, const struct prog_frame *f, enum sg_verdict verdict,
			 const char *file, int line);

#define expect_delivery(p, spec, verdict)                                                          \
	do {                                                                                       \
		struct prog_frame frame_ = prog_frame(spec);                                       \
		prog_deliver_expect(p, &frame_, verdict, __FILE__, __LINE__);                      \
	} while (0)

/* ---- counters ------------------------------------------------------------------------------ */

/* Sums over the CPUs. */
struct sg_counters prog_counters(struct prog *p, enum sg_program program);
struct sg_tally prog_tally(struct prog *p, const struct sg_service *s);

/* How often the verdict was counted since prog_mark(). */
void prog_mark(struct prog *p);
__u64 prog_counted(struct prog *p, enum sg_program program, enum sg_verdict verdict);

/*
 * Waits, a second at most, until the program has seen this many packets since prog_mark(): what one
 * of ours sends round comes in by a softirq of its own.
 */
void prog_await(struct prog *p, enum sg_program program, __u64 packets);

/* What the CPU of the test has of this window. */
struct sg_cardinality prog_cardinality(struct prog *p);
struct sg_sketch *prog_sketch(struct prog *p); /* free() it */

/* Copies a table of heavy hitters; free() it. */
struct sg_hitter_set *prog_heavy_hitters(struct prog *p, enum sg_hitter_kind kind);

const char *prog_label(enum sg_verdict verdict);
enum sg_action prog_action(enum sg_verdict verdict);

/* ---- services ------------------------------------------------------------------------------ */

/* The entry of the SYN's service, NULL when there is none. */
struct sg_service *prog_service(struct prog *p, const struct frame_spec *syn);

/* The same, for which the SYN is run once; it has to be admitted. */
struct sg_service *prog_enter(struct prog *p, const struct frame_spec *syn);

/* The same, proven and leased for an hour: the next SYN looks at the listener and is challenged. */
struct sg_service *prog_defend(struct prog *p, const struct frame_spec *syn);

/* As if the service had been challenged in this epoch, and this window scale promised. */
void prog_promise(struct prog *p, struct sg_service *s, __u32 epoch, __u8 wscale);

/* Makes the service's running second of this CPU what the test wants to be judged. */
void prog_set_second(struct prog *p, const struct sg_service *s, __u64 start_ns, __u32 challenged,
		     __u32 established);

/* Makes the destination of the SYN a local address, or no longer one. */
void prog_add_local(struct prog *p, const struct frame_spec *syn);
void prog_remove_local(struct prog *p, const struct frame_spec *syn);

/* Makes it the MAC of an interface of this host, above the one that packets come in by. */
void prog_add_mac(struct prog *p, const __u8 mac[6]);

/* The way back to what begins with so many bits of the SYN's source (128 with IPv4's, too). */
void prog_add_way(struct prog *p, const struct frame_spec *syn, int addr_bits, __u32 class,
		  const struct sg_way *way);
/* The destination of the SYN is of this class. */
void prog_add_way_class(struct prog *p, const struct frame_spec *syn, __u32 class);
void prog_add_way_iface(struct prog *p, __u32 ifindex, const struct sg_way_iface *iface);

/*
 * Leaves alone what begins with so many bits of the SYN's destination (128 with IPv4's, too), on
 * this port or, with 0, on all; and no more.
 */
void prog_leave_alone(struct prog *p, const struct frame_spec *syn, int addr_bits, __u16 port);
void prog_leave_no_more(struct prog *p, const struct frame_spec *syn, int addr_bits, __u16 port);

/* Puts what begins with so many bits of the SYN's source (128 with IPv4's, too) on a list. */
void prog_list(struct prog *p, const struct frame_spec *syn, int addr_bits, bool allow);

__u64 prog_now_ns(void);

/* Fails the running test, with what it was that went wrong and errno's text, unless ok. */
void prog_must(bool ok, const char *what);
