/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the administrator wants: at the start, at a reload, and by hand. */
#include "daemon/manager/state.h"

#include <string.h>

#include "daemon/base/log.h"
#include "daemon/base/mode.h"

void manager_change_mode(struct manager *m, enum sg_mode mode)
{
	enum sg_mode before = m->mode;

	m->mode = mode;
	if (m->dp)
		control_set_mode(m->dp, mode);
	if (mode != before) {
		ANNOUNCE(&m->announcer, SG_EVENT_MODE_CHANGED, EVENT_TEXT("mode", mode_name(mode)),
			 EVENT_TEXT("before", mode_name(before)));
		bus_emit_state(m->bus, detect_state_name(m->detector.state), mode_name(mode));
	}
	manager_reconcile(m);
}

/* By hand: that holds until the daemon ends. */
int manager_set_mode(void *userdata, const char *name)
{
	struct manager *m = userdata;
	int mode = mode_parse(name);

	if (mode < 0)
		return mode;
	m->mode_by_hand = true;
	manager_change_mode(m, mode);
	return 0;
}

static struct detect_config manager_detect_config(const struct settings *s)
{
	return (struct detect_config){
		.marks = { [DETECT_SYN_FLOOD] = { s->attack_rate, s->ebb_rate },
			   /* the same gap as the defaults of SYNs have */
			   [DETECT_ACK_FLOOD] = { s->ack_flood_rate,
						  (s->ack_flood_rate + 9) / 10 } },
		.hold_ns = s->hold_ns,
		.baseline_factor = s->baseline_factor,
	};
}

void manager_take_settings(struct manager *m, const struct settings *s)
{
	size_t i;

	m->settings = *s;
	m->detect = manager_detect_config(s);
	for (i = 0; i < s->interfaces.count; i++)
		m->interfaces[i] = m->settings.interfaces.items[i];
}

void manager_apply(struct manager *m, const struct settings *before)
{
	int r;

	if (!m->dp)
		return;
	r = control_apply(m->dp, before, &m->settings);
	if (r < 0)
		log_warning("the list of services to leave alone: %s", strerror(-r));
}

static bool manager_own(void *userdata, const struct sg_addr *addr, unsigned int bits,
			struct sg_addr *ret)
{
	const struct manager *m = userdata;

	return rtnl_own(m->links, addr, bits, ret);
}

static void manager_not_applied(void *userdata, size_t allowed, size_t denied)
{
	struct manager *m = userdata;

	ANNOUNCE(&m->announcer, SG_EVENT_LISTS_NOT_APPLIED, EVENT_NUMBER("allowed", allowed),
		 EVENT_NUMBER("denied", denied));
}

int manager_keep_lists(struct manager *m, struct complaint *c)
{
	const struct list_store_handler handler = { manager_own, manager_not_applied, m };
	struct complaint fault = {};
	int r;

	r = list_store_new(&m->list_store, m->event, m->dp, m->options->state_dir, &handler,
			   &fault);
	if (r < 0) {
		complain(c, "the state directory %s: %s", m->options->state_dir, strerror(-r));
		return r;
	}
	if (fault.text[0])
		log_warning("the lists of sources: %s", fault.text);
	fault.text[0] = '\0';
	if (list_store_take_files(m->list_store, &m->settings, &fault) < 0) {
		log_error("%s", fault.text);
		m->config_ok = false;
		ANNOUNCE(&m->announcer, SG_EVENT_CONFIG_FAULTY, EVENT_TEXT("reason", fault.text));
	}
	list_store_settle(m->list_store);
	return 0;
}

void manager_configure(struct manager *m, const struct settings *settings)
{
	struct settings before = m->settings;
	struct complaint fault = {};
	char changes[256];
	int r;

	/* first, because a fault in one of these files is one of the configuration */
	if (list_store_take_files(m->list_store, settings, &fault) < 0) {
		log_error("%s", fault.text);
		manager_refuse_configuration(m, fault.text);
		return;
	}
	m->config_ok = true;
	mitigation_try_again(m->mitigation);
	manager_take_settings(m, settings);
	manager_apply(m, &before);
	r = ifaces_set_names(m->ports, m->interfaces, m->settings.interfaces.count);
	if (r < 0)
		log_warning("the interfaces: %s", strerror(-r));
	manager_change_mode(m, m->mode_by_hand ? m->mode : settings->mode);
	ifaces_warn(m->ports, m->links);
	settings_changes(&before, settings, changes, sizeof(changes));
	ANNOUNCE(&m->announcer, SG_EVENT_CONFIG_LOADED,
		 EVENT_TEXT("changes", changes[0] ? changes : "nothing has changed"));
}

void manager_refuse_configuration(struct manager *m, const char *reason)
{
	m->config_ok = false;
	ANNOUNCE(&m->announcer, SG_EVENT_CONFIG_REFUSED, EVENT_TEXT("reason", reason));
}
