/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The XDP program beside a model of it (model.h), on frames of every kind, services in every
 * state, listeners of every kind: the same verdict, the same action, the same frame, the same
 * service afterwards; and in the end the counters add up.
 *
 * Every run tries other frames. It prints its seed, and SG_SEED=n repeats it; SG_FULL=1 takes a
 * million of them.
 */
#include "truth.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"

#define FRAMES	    40000
#define FRAMES_FULL 1000000

/* While a frame was judged the machine may have slept; what depends on the time is then open. */
#define SLEPT_NS 12000000

static void dump(const char *what, const __u8 *bytes, size_t count)
{
	size_t i;

	printf("# %-9s", what);
	for (i = 0; i < count && i < 200; i++)
		printf("%02x%s", bytes[i], i == 13 ? " " : "");
	printf(" (%zu bytes)\n", count);
}

/* What is written with the time of the moment is near enough when it lies between the two. */
static bool same_service(const struct sg_service *is, const struct sg_service *first,
			 const struct sg_service *last)
{
	struct sg_service s = *is;

	if (s.checked_at_ns >= first->checked_at_ns && s.checked_at_ns <= last->checked_at_ns)
		s.checked_at_ns = last->checked_at_ns;
	if (s.lease_until_ns >= first->lease_until_ns && s.lease_until_ns <= last->lease_until_ns)
		s.lease_until_ns = last->lease_until_ns;
	if (s.heard == first->heard)
		s.heard = last->heard;
	return !memcmp(&s, last, sizeof(s));
}

/* The entry of a place: where it was, or where the program has put it. */
static struct sg_service *entry_of(struct truth *t, int place)
{
	const struct model_place *at = &t->m.places[place];
	int i;

	for (i = 0; t->index[place] < 0 && i < SG_SERVICES_MAX; i++) {
		const struct sg_service *s = &t->p->services[i];

		if (s->state == SG_SERVICE_LIVE && s->port == htons(at->port) &&
		    !memcmp(&s->addr, &at->addr, sizeof(at->addr)))
			t->index[place] = i;
	}
	return t->index[place] < 0 ? NULL : &t->p->services[t->index[place]];
}

/* NULL, or in what the program has done something else than the model. */
static const char *differs(struct truth *t, enum sg_verdict verdict, const struct model_answer *a,
			   const struct model_answer *b)
{
	const struct prog_frame *out = &t->p->out;
	const struct sg_service *s;

	if (verdict != a->verdict && verdict != b->verdict)
		return "verdict";
	if (verdict != b->verdict || a->verdict != b->verdict || a->place != b->place)
		return NULL; /* just then a time ran out */
	if (out->length != b->length ||
	    (memcmp(out->bytes, a->frame, a->length) && memcmp(out->bytes, b->frame, b->length)))
		return "frame";
	if (b->place < 0)
		return NULL;
	s = entry_of(t, b->place);
	if (!s)
		return "place";
	return same_service(s, &a->service, &b->service) ? NULL : "service";
}

static void tell(struct truth *t, const struct prog_frame *in, const struct model_answer *a,
		 const char *wrong)
{
	printf("# SG_SEED=%llu, frame %d, mode %u, linear %u: another %s\n", t->first_seed,
	       t->frame, t->m.mode, t->p->xdp_linear_bytes, wrong);
	dump("in", in->bytes, in->length);
	dump("program", t->p->out.bytes, t->p->out.length);
	dump("model", a->frame, a->length);
	if (a->place >= 0 && entry_of(t, a->place)) {
		dump("before", (const __u8 *)&t->m.places[a->place].service,
		     sizeof(struct sg_service));
		dump("program", (const __u8 *)entry_of(t, a->place), sizeof(struct sg_service));
		dump("model", (const __u8 *)&a->service, sizeof(struct sg_service));
	}
}

static void judge(struct truth *t, const struct prog_frame *f)
{
	size_t linear = t->p->xdp_linear_bytes ? t->p->xdp_linear_bytes : f->length;
	__u64 before = truth_clock_ns(), after;
	struct model_answer a, b;
	enum sg_verdict verdict;
	const char *wrong;

	verdict = prog_judge(t->p, SG_XDP, f, "frame", t->frame);
	after = truth_clock_ns();
	/* the programs' milliseconds are up to 1.05 ms late, and 2.5e-9 of them too few */
	model_judge(&t->m, f->bytes, f->length, linear, before,
		    before / 1000000 - 2 - before / 1000000000000000ULL * 3, &a);
	model_judge(&t->m, f->bytes, f->length, linear, after, after / 1000000, &b);
	t->verdicts[verdict]++;
	wrong = differs(t, verdict, &a, &b);
	if (b.asked && entry_of(t, b.place)) {
		t->asked[t->index[b.place]]++;
		t->challenged[t->index[b.place]] += prog_action(verdict) == SG_REPLY;
	}
	if (wrong && after - before > SLEPT_NS) {
		t->slept++;
		return;
	}
	if (wrong) {
		tell(t, f, &b, wrong);
		ck_abort_msg("the %s: program %s, model %s", wrong, prog_label(verdict),
			     prog_label(b.verdict));
	}
}

static void assert_tallies(struct truth *t)
{
	struct sg_counters c = prog_counters(t->p, SG_XDP);
	__u64 sum = 0;
	int i;

	for (i = 0; i < SG_VERDICT_COUNT; i++)
		sum += c.verdicts[i];
	ck_assert_uint_eq(sum, c.packets);
	for (i = 0; i < SG_SERVICES_MAX; i++) {
		struct sg_tally tally = prog_tally(t->p, &t->p->services[i]);

		ck_assert_uint_eq(tally.challenged, t->challenged[i]);
		ck_assert_uint_eq(tally.syns, t->asked[i]);
	}
}

START_TEST(test_truth)
{
	int i, frames = suite_full() ? FRAMES_FULL : FRAMES, reached = 0;
	struct truth *t = truth_new();

	for (t->frame = 0; t->frame < frames; t->frame++) {
		int place = truth_shake(t);
		struct prog_frame f = truth_frame(t, &t->m.places[place]);

		t->p->xdp_linear_bytes = truth_split(t, f.length);
		truth_show(t);
		judge(t, &f);
		truth_settle(t, place);
	}
	assert_tallies(t);
	for (i = 0; i < SG_VERDICT_COUNT; i++) {
		reached += t->verdicts[i] > 0;
		if (t->verdicts[i])
			printf("# %-18s %llu\n", prog_label(i), t->verdicts[i]);
	}
	printf("# %d frames, %d verdicts, %d not judged\n", frames, reached, t->slept);
	ck_assert_int_lt(t->slept, frames / 100);
	/* all that XDP has but over_budget */
	ck_assert_int_ge(reached, 35);
	truth_free(t);
}
END_TEST

/* The model's own hash against the vector of the paper's appendix, of 15 bytes. */
START_TEST(test_model_siphash)
{
	__u8 key[16], text[15], i;

	for (i = 0; i < 16; i++)
		key[i] = i;
	memcpy(text, key, sizeof(text));
	ck_assert_uint_eq(model_siphash(key, text, sizeof(text)), 0xa129ca6149be45e5ULL);
}
END_TEST

SUITE_NEEDS(prog_lacks)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(test_model_siphash, 5),
	SUITE_TEST(test_truth, 120, .full_seconds = 900),
	{}
};
/* clang-format on */
