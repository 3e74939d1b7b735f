/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is thought of services (detect_service.h): from what the last look saw, without asking
 * anybody, except for net.core.somaxconn where that is to be told.
 */
#include "daemon/services/services_internal.h"

#include <arpa/inet.h>

#include "daemon/base/rate.h"
#include "daemon/net/sysctl.h"

static const struct services_queues *services_queues_of(const struct services_memory *m)
{
	return m->has_exact ? &m->exact : &m->any;
}

static void services_judge_one(struct services *s, uint32_t index,
			       const struct detect_config *config, enum detect_state state,
			       struct detect_service_sample *sample)
{
	struct services_memory *m = &s->memory[index];
	const struct services_queues *q = services_queues_of(m);
	uint64_t lease_ns = __atomic_load_n(&s->entries[index].lease_until_ns, __ATOMIC_RELAXED);

	sample->syns = m->grew.syns;
	sample->handshakes = m->grew.handshakes;
	sample->drops = rate_growth(q->drops, m->drops);
	sample->limit = q->max;
	sample->syn_full = q->max && q->syn >= q->max;
	sample->accept_full = q->accept_full;
	sample->called = lease_ns > sample->now_ns;
	m->drops = q->drops;
	detect_service_step(&m->judged, config, state, sample);
}

void services_judge(struct services *s, uint64_t now_ns, const struct detect_config *config,
		    enum detect_state state, struct services_total *total)
{
	struct detect_service_sample sample = {
		.now_ns = now_ns,
		.elapsed_ns = now_ns - s->judged_ns,
	};
	bool first = !s->judged_ns, small = false;
	size_t i;

	s->judged_ns = now_ns;
	for (i = 0; i < s->live_count; i++) {
		struct services_memory *m = &s->memory[s->live[i]];

		if (first) { /* of what has grown since ever there is no rate */
			m->drops = services_queues_of(m)->drops;
			continue;
		}
		services_judge_one(s, s->live[i], config, state, &sample);
		total->explained += m->judged.explained;
		total->calls = total->calls || m->judged.calls;
		small = small || m->judged.trouble == SG_TROUBLE_SMALL_BACKLOG;
		if (m->judged.trouble > total->trouble)
			total->trouble = m->judged.trouble;
	}
	if (small)
		sysctl_read("net.core.somaxconn", &s->somaxconn);
}

struct trouble_figures services_trouble_figures(const struct services *s,
						const struct services_memory *m)
{
	return (struct trouble_figures){
		.limit = m->judged.limit,
		.rate = m->judged.rate,
		.somaxconn = s->somaxconn,
	};
}

void services_tell_trouble(struct services *s, uint32_t index, uint64_t now_ns,
			   const struct services_news *news)
{
	struct services_memory *m = &s->memory[index];
	const struct trouble_figures figures = services_trouble_figures(s, m);
	char text[400];

	if (m->judged.trouble == m->told)
		return;
	if (m->told)
		news->trouble(news->userdata, &s->entries[index], m->told, "", true,
			      now_ns - m->told_ns);
	m->told = m->judged.trouble;
	m->told_ns = now_ns;
	if (m->told)
		news->trouble(news->userdata, &s->entries[index], m->told,
			      trouble_text(m->told, &figures, text, sizeof(text)), false, 0);
}

void services_fill_trouble(const struct services *s, const struct services_memory *m,
			   struct report_service *row)
{
	const struct trouble_figures figures = services_trouble_figures(s, m);

	row->baseline_syns_per_second = m->judged.baseline_milli / 1000;
	row->trouble = trouble_word(m->judged.trouble);
	trouble_text(m->judged.trouble, &figures, row->trouble_text, sizeof(row->trouble_text));
}
