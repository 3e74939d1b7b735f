/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The judgement of one service: its ordinary rate, whether its unanswered SYNs may be a flood's, and
 * which trouble it has that looks like a flood (synguard/trouble.h), with the text for that.
 *
 * Pure, as detect.h. A trouble begins when three of four samples show it and ends when none has shown
 * it for the hold, so none comes or goes more often than that. During a SYN flood no service is
 * called a flash crowd, and no backlog small.
 */
#pragma once

#include <stddef.h>

#include "daemon/judge/detect.h"
#include "synguard/trouble.h"

/* Since the last sample of this service, and of its listeners now. */
struct detect_service_sample {
	uint64_t now_ns, elapsed_ns;
	uint64_t syns, handshakes;
	uint64_t declined; /* of the handshakes: the client has reset it, as health checks do */
	uint64_t drops;	   /* SYNs and ACKs that listeners dropped, for the want of room */
	uint64_t limit;	   /* of a queue: the backlogs of its listeners; 0 = not known */
	bool syn_full;	   /* no half-open connection fits any more */
	bool accept_full;  /* some listener takes no complete one any more (sk_acceptq_is_full()) */
	bool called;	   /* its SYN queue calls for defence */
	/* half-open connections whose SYN-ACK was sent again, as nobody had answered within a second */
	uint64_t aged;
};

/* Of one trouble. */
struct detect_held {
	bool on;
	uint8_t seen;	   /* in the last samples, a bit each, while not on */
	uint64_t quiet_ns; /* since when no sample has shown it, 0 = the last did, while on */
};

/*
 * Another sample of it. begins, stays: whether the sample shows it, by the mark for its beginning and
 * for its end.
 */
void detect_hold(struct detect_held *h, bool begins, bool stays, uint64_t hold_ns, uint64_t now_ns);

/* Zeroed = nothing known. */
struct detect_service {
	/*
	 * SYN/s on ordinary days, in thousandths: an average in which a second weighs 1/600, of as
	 * many seconds as there have been at first. What does not complete teaches little: a second
	 * counts for twice its handshakes at the most, so that a flood that swells slowly does not
	 * make itself ordinary.
	 */
	uint64_t baseline_milli;
	uint32_t learned; /* seconds of it, up to 600 */
	struct detect_held troubles[SG_TROUBLE_COUNT];
	enum sg_trouble trouble; /* that is on; of several the last */
	uint64_t limit, rate;	 /* of SMALL_BACKLOG: connections; the most completed per second */
	/* of late, a second in thousandths: an average in which one weighs a quarter */
	uint64_t syns_milli, done_milli;
	bool slow; /* unanswered SYNs fill its queue, however few come in a second */
	/* of this sample, for struct detect_sample: */
	uint64_t explained;
	bool calls; /* defence is called for, and clients are not why */
};

/* state: of the floods of SYNs, before this sample. */
void detect_service_step(struct detect_service *s, const struct detect_config *config,
			 enum detect_state state, const struct detect_service_sample *sample);

/* A sufficient backlog for so many completed in a second, where one of `limit` was too small. */
uint64_t detect_backlog_wanted(uint64_t limit, uint64_t rate);

/* ---- the text of a trouble ---- */

struct trouble_figures {
	uint64_t limit;	    /* connections that a queue of it has room for */
	uint64_t rate;	    /* completed in a second, at the most */
	uint64_t somaxconn; /* net.core.somaxconn; 0 = not known */
};

/* "slow_accept" */
const char *trouble_word(enum sg_trouble trouble);

/* Of two troubles the one to report: the later one of the table. */
enum sg_trouble trouble_worst(enum sg_trouble a, enum sg_trouble b);

/* The sentence, cut where there is no room; returns text. "" for SG_TROUBLE_NONE. */
const char *trouble_text(enum sg_trouble trouble, const struct trouble_figures *figures, char *text,
			 size_t size);
