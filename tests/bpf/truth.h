/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stage of test_truth: a host with listeners of every kind, the XDP program and a model of it,
 * what random does to the one and the other alike, and random frames.
 *
 * What cannot be set up fails the running test.
 */
#pragma once

#include "frame.h"
#include "model.h"
#include "noise.h"
#include "prog.h"

#define TRUTH_COUNT(a)	   (sizeof(a) / sizeof((a)[0]))
#define TRUTH_ONE_OF(t, a) ((a)[noise_below(&(t)->seed, TRUTH_COUNT(a))])
#define TRUTH_WAYS	   SG_SERVICE_WAYS
#define TRUTH_LISTENERS	   8

/* The ports that are something else than their settings say. */
enum {
	PORT_HALF_OPEN = 449,
	PORT_LEFT_ALONE = 447,
	PORT_FULL = 445,
	PORT_CLOSED = 81,
	PORT_MPTCP = 446,
};

struct truth {
	struct prog *p;
	struct model m;
	struct model_listener found[TRUTH_LISTENERS];
	int index[MODEL_PLACES_MAX]; /* of its service in the table; -1 = none */
	__u32 reserved[TRUTH_WAYS];  /* ways that were taken to leave no room */
	__u64 asked[SG_SERVICES_MAX], challenged[SG_SERVICES_MAX];
	__u64 verdicts[SG_VERDICT_COUNT];
	__u64 seed, first_seed;
	bool splits;
	int frame, slept;
};

/* Values of an MSS at which something changes; the last one is 65535. */
extern const __u32 truth_mss[27];

/* The MAC of a device above the one that frames come in by. */
extern const __u8 truth_mac_above[6];

static inline bool truth_chance(struct truth *t, __u32 one_in)
{
	return !noise_below(&t->seed, one_in);
}

/* The clock that the programs read. */
__u64 truth_clock_ns(void);

/* SG_SEED, or another seed each time. */
struct truth *truth_new(void);
struct truth *truth_free(struct truth *t);

/* An ordinary SYN. */
struct frame_spec truth_syn(const char *address, __u32 port);

/*
 * Changes mode, heartbeat, thresholds and the service of one of the places, which is returned;
 * and gives back what was taken of the table for that.
 */
int truth_shake(struct truth *t);
void truth_settle(struct truth *t, int place);

/* Shows the model the service table. */
void truth_show(struct truth *t);

/* A frame, most likely for this place, and what damage may come to it. */
struct prog_frame truth_frame(struct truth *t, const struct model_place *to);
/* How much of it lies in the first buffer; 0 = all, as most of the time. */
__u32 truth_split(struct truth *t, size_t length);
