/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steps whose targets are listeners: TCP_SYNCNT by a BPF program that walks them, and the
 * backlog by listen(2) on a copy of the socket, for which the process that has it open has to be
 * found. A listener is known by the cookie of its socket, so that another one that has the same
 * address is never taken for it.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "synguard/cleanup.h"

#include "daemon/base/addr.h"
#include "daemon/base/clock.h"
#include "daemon/base/process.h"
#include "daemon/dataplane/listeners.h"
#include "daemon/mitigation/steps.h"

static_assert(SG_ORDERS_MAX >= MITIGATION_LISTENERS_MAX, "every one can be ordered at once");

/* Time for going through the processes: in a tick; and where there is no next one. */
#define SEEK_NS	     5000000ULL
#define SEEK_LAST_NS 2000000000ULL

#define NO_OWNER "nobody who has them open can be seen"

/* ---- observe ------------------------------------------------------------------------------- */

int listeners_prepare(struct listeners *l, struct complaint *c)
{
	int r;

	if (l->adjust)
		return 0;
	/* what cannot be loaded now could not be later either, with fewer rights */
	r = l->adjust_fault.text[0] ? -EOPNOTSUPP :
				      dataplane_adjust_new(&l->adjust, &l->adjust_fault);
	if (r < 0)
		*c = l->adjust_fault;
	return r;
}

void listeners_done(struct listeners *l)
{
	l->adjust = dataplane_adjust_free(l->adjust);
	proc_walk_end(&l->walk);
	free(l->items);
}

static void keep_listener(void *userdata, const struct sg_listener *listener)
{
	struct steps *s = userdata;
	struct listeners *l = &s->listeners;
	struct sg_listener *items;
	size_t i;

	for (i = 0; i < s->targets.count; i++) {
		struct mitigation_target *t = &s->targets.items[i];

		if (t->cookie != listener->cookie)
			continue;
		t->present = true;
		t->value = mitigation_listener_value(t->step, listener);
		t->inode = listener->inode;
	}
	if (l->count == l->room) {
		items = reallocarray(l->items, l->room * 2 + 64, sizeof(*items));
		if (!items)
			return; /* those that do not fit are adjusted in a later tick */
		l->items = items;
		l->room = l->room * 2 + 64;
	}
	l->items[l->count++] = *listener;
}

static int read_listeners(struct steps *s, struct complaint *c)
{
	_cleanup_close_ int fd = -EBADF;
	size_t i;
	int r;

	s->listeners.count = 0;
	r = listeners_prepare(&s->listeners, c);
	if (r < 0)
		return r;
	for (i = 0; i < s->targets.count; i++)
		s->targets.items[i].present = !s->targets.items[i].cookie;
	fd = dataplane_adjust_listeners(s->listeners.adjust);
	r = fd < 0 ? fd : listeners_read(fd, 0, keep_listener, s);
	if (r < 0)
		complain(c, "the listeners cannot be read: %s", strerror(-r));
	return r;
}

static int listener_observe(struct steps *s, enum sg_mitigation_step step, struct complaint *c)
{
	int r = s->listeners.fresh ? 0 : read_listeners(s, c);

	s->listeners.fresh = r >= 0;
	return r;
}

/* The host as the mitigation has made it, or will have in a moment. */
static struct mitigation_host host_of(const struct steps *s)
{
	uint64_t retries = s->settings->mitigation_retries;
	uint64_t room = (s->settings->mitigation_queue_mib << 20) / MITIGATION_SLOT_BYTES;
	uint32_t given = mitigation_targets_room(&s->targets);
	struct mitigation_host host = {
		.retries = s->state.steps[SG_MITIGATION_RETRIES].value,
		.somaxconn = s->state.steps[SG_MITIGATION_SOMAXCONN].value,
		.room = room > given ? room - given : 0,
		.observing = s->state.now.mode == SG_MODE_OBSERVE,
	};

	if (retries && !s->state.steps[SG_MITIGATION_RETRIES].given_up && retries < host.retries)
		host.retries = retries;
	return host;
}

/* The value that the step gives this listener; 0: none, or it has done so already. */
static uint32_t wanted_of(const struct steps *s, enum sg_mitigation_step step,
			  const struct sg_listener *listener)
{
	const struct mitigation_host host = host_of(s);

	if (mitigation_targets_find(&s->targets, step, listener->cookie))
		return 0;
	return mitigation_listener_wanted(step, s->settings, &host, listener);
}

/* C8: somebody has raised the retries of one whose backlog we made longer. */
static bool repeats(const struct steps *s, const struct sg_listener *listener)
{
	const struct mitigation_target *t =
		mitigation_targets_find(&s->targets, SG_MITIGATION_LIVE_BACKLOG, listener->cookie);
	const struct mitigation_host host = host_of(s);

	return t && !t->conflict && !mitigation_listener_may_grow(s->settings, &host, listener);
}

void listeners_assess(struct steps *s)
{
	static const enum sg_mitigation_step steps[] = { SG_MITIGATION_LISTENER_RETRIES,
							 SG_MITIGATION_LIVE_BACKLOG };
	struct listeners *l = &s->listeners;
	size_t count = l->fresh ? l->count : 0, i, j;

	s->state.repeats = false;
	for (i = 0; i < count; i++)
		s->state.repeats |= repeats(s, &l->items[i]);
	for (j = 0; j < ARRAY_SIZE(steps); j++) {
		s->state.steps[steps[j]].value = 0;
		for (i = 0; i < count; i++)
			s->state.steps[steps[j]].value += !!wanted_of(s, steps[j], &l->items[i]);
	}
}

/* ---- choose -------------------------------------------------------------------------------- */

static const struct socket_owner_wanted *owner_of(const struct listeners *l, uint64_t cookie)
{
	size_t i;

	for (i = 0; i < l->owner_count; i++)
		if (l->owners[i].cookie == cookie)
			return &l->owners[i];
	return NULL;
}

/* The list of those whose backlog is to grow now; an owner that was found stays known. */
static size_t list_owners(struct steps *s)
{
	struct socket_owner_wanted owners[LISTENERS_OWNERS_MAX];
	struct listeners *l = &s->listeners;
	size_t i, count = 0, unknown = 0;

	for (i = 0; i < l->count && count < LISTENERS_OWNERS_MAX; i++) {
		const struct socket_owner_wanted *before = owner_of(l, l->items[i].cookie);

		if (!wanted_of(s, SG_MITIGATION_LIVE_BACKLOG, &l->items[i]))
			continue;
		owners[count++] = (struct socket_owner_wanted){
			l->items[i].inode,
			l->items[i].cookie,
			before ? before->pid : 0,
		};
		l->owners_added |= !before;
		unknown += !owners[count - 1].pid;
	}
	memcpy(l->owners, owners, count * sizeof(*owners));
	l->owner_count = count;
	return unknown;
}

/* Goes on looking for owners, a slice at a time so that no tick waits for it. -errno, *c filled. */
static int find_owners(struct steps *s, struct complaint *c)
{
	struct listeners *l = &s->listeners;
	size_t i, unknown = 0;
	int r;

	if (caps_missing_for_processes(c))
		return -EPERM;
	if (!list_owners(s))
		return 0;
	r = socket_owner_seek(&l->walk, SEEK_NS, l->owners, l->owner_count);
	if (r < 0)
		complain(c, "the processes cannot be seen");
	if (r <= 0)
		return r;
	/* those that were added meanwhile have not been looked for in every process */
	if (!l->owners_added) {
		for (i = 0; i < l->owner_count; i++)
			unknown += !l->owners[i].pid;
		if (unknown)
			complain(c, "%zu listeners could not be adjusted: " NO_OWNER, unknown);
	}
	l->owners_added = false;
	return 0;
}

static int listener_choose(struct steps *s, enum sg_mitigation_step step,
			   struct mitigation_targets *to, struct complaint *c)
{
	bool needs_owner = step == SG_MITIGATION_LIVE_BACKLOG && to == &s->targets;
	uint64_t now_usec = clock_realtime_usec();
	int r = needs_owner ? find_owners(s, c) : 0;
	size_t i;

	for (i = 0; i < s->listeners.count && r >= 0; i++) {
		const struct sg_listener *listener = &s->listeners.items[i];
		const struct socket_owner_wanted *owner = owner_of(&s->listeners, listener->cookie);
		uint32_t wanted = wanted_of(s, step, listener);
		struct mitigation_target t = {
			.step = step,
			.cookie = listener->cookie,
			.old = mitigation_listener_value(step, listener),
			.value = mitigation_listener_value(step, listener),
			.ours = wanted,
			.wanted = wanted,
			.pid = needs_owner && owner ? owner->pid : 0,
			.since_usec = now_usec,
			.inode = listener->inode,
			.present = true,
			.chosen = true,
		};

		if (!wanted || (needs_owner && !t.pid))
			continue;
		snprintf(t.name, sizeof(t.name), "%.55s",
			 addr_text_listener(&listener->addr, listener->family == AF_INET6,
					    listener->port)
				 .text);
		mitigation_targets_add(to, &t);
	}
	return r;
}

/* ---- write --------------------------------------------------------------------------------- */

struct orders {
	struct steps *steps;
	enum fault between;
};

static void note_value(void *userdata, const struct sg_listener *listener)
{
	const struct orders *orders = userdata;
	struct mitigation_target *t = mitigation_targets_find(
		&orders->steps->targets, SG_MITIGATION_LISTENER_RETRIES, listener->cookie);

	if (!t || !t->chosen)
		return;
	t->value = mitigation_listener_value(t->step, listener);
	fault_pass_by(orders->between);
}

/* Only where it is what it was: the program compares, with the socket's lock held. */
static int write_retries(struct steps *s, enum fault between)
{
	struct dataplane_adjust *adjust = s->listeners.adjust;
	struct orders orders = { s, between };
	_cleanup_close_ int fd = -EBADF;
	int r = 0, result;
	size_t i;

	for (i = 0; i < s->targets.count && r >= 0; i++) {
		const struct mitigation_target *t = &s->targets.items[i];
		const struct sg_order order = { .from = t->value, .to = t->wanted };

		if (t->step == SG_MITIGATION_LISTENER_RETRIES && t->chosen)
			r = dataplane_adjust_order(adjust, t->cookie, &order);
	}
	if (r >= 0)
		r = fd = dataplane_adjust_listeners(adjust);
	if (r >= 0) /* one by one, so that the process can end after any of them */
		r = listeners_read(fd, 1, note_value, &orders);
	for (i = 0; i < s->targets.count; i++) {
		const struct mitigation_target *t = &s->targets.items[i];

		if (t->step != SG_MITIGATION_LISTENER_RETRIES || !t->chosen)
			continue;
		result = dataplane_adjust_result(adjust, t->cookie);
		r = r < 0 ? r : result;
	}
	return r;
}

/* -ESRCH: the process has closed it, or ended. */
static int listen_there(struct mitigation_target *t)
{
	const struct socket_owner_wanted wanted = { t->inode, t->cookie, t->pid };
	int r = t->pid ? socket_owner_listen(&wanted, t->wanted) : -ESRCH;

	if (r == -ESRCH)
		t->pid = 0;
	return r;
}

/* In whichever process the listener is open: it may have been handed to another one since. */
static int listen_anywhere(struct steps *s, struct mitigation_target *t)
{
	struct socket_owner_wanted wanted = { t->inode, t->cookie, 0 };
	int r = listen_there(t);

	if (r != -ESRCH)
		return r;
	if (s->leaving) /* there is no later walk that comes by the first ones */
		proc_walk_end(&s->listeners.walk);
	r = socket_owner_seek(&s->listeners.walk, s->leaving ? SEEK_LAST_NS : SEEK_NS, &wanted, 1);
	if (r < 0)
		return r;
	t->pid = wanted.pid;
	return listen_there(t);
}

static int write_backlogs(struct steps *s, enum fault between, struct complaint *c)
{
	int first = caps_missing_for_processes(c) ? -EPERM : 0, r;
	struct complaint unused;
	size_t i;

	if (first < 0)
		return first;
	for (i = 0; i < s->targets.count; i++) {
		struct mitigation_target *t = &s->targets.items[i];

		if (t->step != SG_MITIGATION_LIVE_BACKLOG || !t->chosen)
			continue;
		r = listen_anywhere(s, t);
		if (r >= 0)
			fault_pass_by(between);
		else if (first >= 0)
			first = r;
	}
	r = read_listeners(s, &unused);
	return first < 0 ? first : r;
}

static int listener_write(struct steps *s, enum sg_mitigation_step step, enum fault between,
			  struct complaint *c)
{
	int r = step == SG_MITIGATION_LIVE_BACKLOG ? write_backlogs(s, between, c) :
						     write_retries(s, between);

	if (r < 0 && !c->text[0])
		complain(c, "%s", r == -ESRCH ? NO_OWNER : strerror(-r));
	return r;
}

const struct step_ops listener_step_ops = { listener_observe, listener_choose, listener_write };
