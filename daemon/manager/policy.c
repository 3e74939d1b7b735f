/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the administrator wants: the settings at the start and at a reload, the mode, the lists. */
#include "daemon/manager/manager.h"
#include "daemon/manager/state.h"

#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/base/mode.h"
#include "daemon/manager/instance.h"

/* ---- interfaces ---------------------------------------------------------------------------- */

/* Before an interface is attached to: the programs pass the frames for other MACs. */
static void tell_macs(struct manager *m)
{
	const struct rtnl_iface *ifaces;
	size_t count = rtnl_get(m->host.rtnl, &ifaces);
	int r = m->host.dp ? control_set_macs(m->host.dp, ifaces, count) : 0;

	if (r < 0)
		emit_read_failed(&m->faces.emitter, &m->host.address_limit, clock_now_ns(),
				 "the interfaces' MAC addresses", r);
}

void manager_reconcile(void *userdata)
{
	struct manager *m = userdata;
	bool challenges = m->policy.mode == SG_MODE_AUTO || m->policy.mode == SG_MODE_ALWAYS;

	if (!m->host.rtnl) /* it is being made */
		return;
	tell_macs(m);
	ifaces_reconcile(m->host.ifaces, m->host.rtnl,
			 challenges ? m->policy.settings.attach : ATTACH_MODE_WATCH);
}

/* ---- the mode ------------------------------------------------------------------------------ */

void manager_change_mode(struct manager *m, enum sg_mode mode)
{
	enum sg_mode before = m->policy.mode;

	m->policy.mode = mode;
	if (m->host.dp)
		control_set_mode(m->host.dp, mode);
	if (mode != before) {
		EMIT(&m->faces.emitter, SG_EVENT_MODE_CHANGED, EVENT_TEXT("mode", mode_name(mode)),
		     EVENT_TEXT("before", mode_name(before)));
		bus_emit_state(m->faces.bus, detect_state_name(m->policy.detector.state),
			       mode_name(mode));
	}
	manager_reconcile(m);
}

int manager_set_mode(void *userdata, const char *name)
{
	struct manager *m = userdata;
	int mode = mode_parse(name);

	if (mode < 0)
		return mode;
	m->policy.mode_by_hand = true;
	manager_change_mode(m, mode);
	return 0;
}

/* ---- settings ------------------------------------------------------------------------------ */

static struct detect_config detect_config_of(const struct settings *s)
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

void manager_set_settings(struct manager *m, const struct settings *s)
{
	struct manager_policy *p = &m->policy;
	size_t i;

	p->settings = *s;
	p->detect = detect_config_of(s);
	for (i = 0; i < s->interfaces.count; i++)
		p->interfaces[i] = p->settings.interfaces.items[i];
}

void manager_apply(struct manager *m, const struct settings *before)
{
	int r = m->host.dp ? control_apply(m->host.dp, before, &m->policy.settings) : 0;

	if (r < 0)
		log_warning("the list of services to leave alone: %s", strerror(-r));
}

void manager_configure(struct manager *m, const struct settings *settings)
{
	struct settings before = m->policy.settings;
	struct complaint fault = {};
	char changes[256];
	int r;

	/* first, because a fault in one of these files is one of the configuration */
	if (list_store_take_files(m->host.lists, settings, &fault) < 0) {
		log_error("%s", fault.text);
		manager_refuse_configuration(m, fault.text);
		return;
	}
	m->policy.config_ok = true;
	mitigation_try_again(m->host.mitigation);
	manager_set_settings(m, settings);
	manager_apply(m, &before);
	r = ifaces_set_names(m->host.ifaces, m->policy.interfaces, settings->interfaces.count);
	if (r < 0)
		log_warning("the interfaces: %s", strerror(-r));
	manager_change_mode(m, m->policy.mode_by_hand ? m->policy.mode : settings->mode);
	ifaces_warn(m->host.ifaces, m->host.rtnl);
	settings_changes(&before, settings, changes, sizeof(changes));
	EMIT(&m->faces.emitter, SG_EVENT_CONFIG_LOADED,
	     EVENT_TEXT("changes", changes[0] ? changes : "nothing has changed"));
}

void manager_refuse_configuration(struct manager *m, const char *reason)
{
	m->policy.config_ok = false;
	EMIT(&m->faces.emitter, SG_EVENT_CONFIG_REFUSED, EVENT_TEXT("reason", reason));
}

/* ---- lists of sources ---------------------------------------------------------------------- */

static bool own_address(void *userdata, const struct sg_addr *addr, unsigned int bits,
			struct sg_addr *ret)
{
	const struct manager *m = userdata;

	return rtnl_own(m->host.rtnl, addr, bits, ret);
}

static void on_lists_not_applied(void *userdata, size_t allowed, size_t denied)
{
	struct manager *m = userdata;

	EMIT(&m->faces.emitter, SG_EVENT_LISTS_NOT_APPLIED, EVENT_NUMBER("allowed", allowed),
	     EVENT_NUMBER("denied", denied));
}

int manager_open_lists(struct manager *m, struct complaint *c)
{
	const struct list_store_handler handler = { own_address, on_lists_not_applied, m };
	struct complaint fault = {};
	const char *dir = m->options->state_dir;
	int r = instance_check_dir(dir, "state directory", "--state-dir", c);

	if (r < 0)
		return r;
	r = list_store_new(&m->host.lists, m->loop.event, m->host.dp, dir, &handler, &fault);
	if (r < 0) {
		complain(c, "the state directory %s: %s", dir, strerror(-r));
		return r;
	}
	if (fault.text[0])
		log_warning("the lists of sources: %s", fault.text);
	fault.text[0] = '\0';
	if (list_store_take_files(m->host.lists, &m->policy.settings, &fault) < 0) {
		log_error("%s", fault.text);
		m->policy.config_ok = false;
		EMIT(&m->faces.emitter, SG_EVENT_CONFIG_FAULTY, EVENT_TEXT("reason", fault.text));
	}
	list_store_settle(m->host.lists);
	return 0;
}
