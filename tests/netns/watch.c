/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Figures and counters. See watch.h.
 */
#include "watch.h"

#include <bpf/bpf.h>
#include <check.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "synguard.skel.h"

#define WATCH_PATIENCE_MS 5000
#define WATCH_STEP_MS	  20

static struct watch_service watch_sum(const json_t *status)
{
	const json_t *services = json_object_get(status, "services");
	struct watch_service sum = { 0 };
	const json_t *row;
	size_t i;

	json_array_foreach(services, i, row) {
		if (stage_figure(row, "port") != STAGE_PORT)
			continue;
		sum.syns += stage_figure(row, "syns");
		sum.challenged += stage_figure(row, "challenged");
		sum.accepted += stage_figure(row, "accepted");
		sum.established += stage_figure(row, "established");
	}
	return sum;
}

struct watch_service watch_service(struct stage *s)
{
	json_t *status = stage_status(s);
	struct watch_service sum = watch_sum(status);

	json_decref(status);
	return sum;
}

void watch_assert_defended(struct stage *s, const struct watch_service *before,
			   json_int_t connections)
{
	static const struct watch_service nothing;
	json_t *status = stage_status(s);
	struct watch_service now = watch_sum(status);

	before = before ?: &nothing;
	stage_assert_accounted(status);
	/* a SYN may be sent twice where this machine is slow */
	ck_assert_int_ge(now.challenged - before->challenged, connections);
	ck_assert_int_eq(now.accepted - before->accepted, connections);
	ck_assert_int_eq(now.established - before->established, connections);
	ck_assert_int_eq(stage_verdict(status, "ingress", "early_data"), 0);
	ck_assert_int_eq(stage_verdict(status, "ingress", "deferred"), 0);
	ck_assert_int_eq(stage_verdict(status, "ingress", "refused"), 0);
	ck_assert_int_eq(stage_verdict(status, "xdp", "accept_full"), 0);
	json_decref(status);
}

json_int_t watch_verdict(struct stage *s, const char *program, const char *label)
{
	json_t *status = stage_status(s);
	json_int_t count = stage_verdict(status, program, label);

	json_decref(status);
	return count;
}

void watch_await_verdict(struct stage *s, const char *program, const char *label, json_int_t least)
{
	json_int_t count = watch_verdict(s, program, label);
	int waited;

	for (waited = 0; count < least && waited < WATCH_PATIENCE_MS; waited += WATCH_STEP_MS) {
		usleep(WATCH_STEP_MS * 1000);
		count = watch_verdict(s, program, label);
	}
	ck_assert_msg(count >= least,
		      "%s %s is %" JSON_INTEGER_FORMAT ", not %" JSON_INTEGER_FORMAT, program,
		      label, count, least);
}

/* ---- counters of the kernel ---------------------------------------------------------------- */

static uint64_t watch_read(const struct watch *w, int host, const char *name)
{
	char group[32];
	const char *dot = strchr(name, '.');
	uint64_t value = 0;
	int err;

	snprintf(group, sizeof(group), "%.*s", (int)(dot - name), name);
	err = lab_counter(w->s->lab, host, group, dot + 1, &value);
	ck_assert_msg(!err || err == -ENOENT, "%s: %s", name, strerror(-err));
	return value;
}

void watch_begin(struct watch *w, struct stage *s, const char *const *names)
{
	int host, i;

	*w = (struct watch){ .s = s, .names = names };
	for (host = LAB_SERVER; host <= LAB_CLIENT; host++)
		for (i = 0; names[i]; i++) {
			ck_assert_int_lt(i, WATCH_MAX);
			w->values[host][i] = watch_read(w, host, names[i]);
		}
}

uint64_t watch_growth(const struct watch *w, int host, const char *name)
{
	int i;

	for (i = 0; w->names[i]; i++)
		if (!strcmp(w->names[i], name))
			return watch_read(w, host, name) - w->values[host][i];
	ck_abort_msg("%s is not watched", name);
	return 0;
}

void watch_assert_still(const struct watch *w)
{
	int host, i;

	for (host = LAB_SERVER; host <= LAB_CLIENT; host++)
		for (i = 0; w->names[i]; i++) {
			uint64_t growth = watch_growth(w, host, w->names[i]);

			ck_assert_msg(!growth, "%s of the %s grew by %llu", w->names[i],
				      host == LAB_SERVER ? "server" : "client",
				      (unsigned long long)growth);
		}
}

int watch_map(pid_t process, const char *part)
{
	char path[64], line[256];
	struct bpf_map_info info;
	__u32 id, size;
	int n, fd;
	FILE *f;

	for (n = 3; n < 256; n++) {
		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", process, n);
		f = fopen(path, "re");
		for (id = 0; f && !id && fgets(line, sizeof(line), f);)
			sscanf(line, "map_id: %u", &id);
		if (f)
			fclose(f);
		fd = id ? bpf_map_get_fd_by_id(id) : -1;
		size = sizeof(info);
		memset(&info, 0, sizeof(info));
		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size) && strstr(info.name, part))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	ck_abort_msg("the daemon has no map %s", part);
	return -1;
}

struct sg_control watch_control(int bss)
{
	struct sg_control control;
	struct bpf_map_info info = {};
	__u32 size = sizeof(info), zero = 0;
	char *value;

	ck_assert_int_eq(bpf_obj_get_info_by_fd(bss, &info, &size), 0);
	value = calloc(1, info.value_size);
	ck_assert_int_eq(bpf_map_lookup_elem(bss, &zero, value), 0);
	memcpy(&control, value + offsetof(struct synguard_bpf__bss, control), sizeof(control));
	free(value);
	return control;
}
