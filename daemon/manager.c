/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "manager.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

#include "bus.h"
#include "caps.h"
#include "dataplane.h"
#include "detect.h"
#include "instance.h"
#include "links.h"
#include "log.h"
#include "mode.h"
#include "ports.h"
#include "report.h"
#include "services.h"
#include "sockdiag.h"
#include "sysctl.h"

#define MANAGER_TICK_USEC 1000000ULL

/* 0 would mean a quarter of a second, to save wake-ups. */
#define MANAGER_ACCURACY_USEC 1000

/* Time for the ACKs of challenges that are under way when the daemon is told to end. */
#define MANAGER_LEAVE_USEC 1000000ULL

/* Half full: early enough to keep the other half for those who are already in. */
#define MANAGER_ARM_PERCENT 50

/* A host of some hundred interfaces is told to be ready before the last one is attached to. */
#define MANAGER_SETTLE_USEC 10000000ULL

/* Longer than a tick, so that the daemon renews in time; short enough to end by itself. */
#define MANAGER_LEASE_NS (4 * 1000000000ULL)

struct manager {
	const struct manager_options *options;
	sd_event *event;
	sd_event_source *ticker;
	int lock_fd, instance_fd;
	struct dataplane *dp; /* NULL in engine "kernel" */
	struct links *links;
	struct services *services; /* NULL in engine "kernel" */
	struct bus *bus;
	struct complaint engine_reason;
	enum sg_mode mode;
	struct detector detector;
	struct ports *ports;	     /* NULL in engine "kernel" */
	struct services_total total; /* of the last tick */
	uint64_t started_ns, ticked_ns;
	uint64_t syns_per_sec, challenges_per_sec, acceptances_per_sec;
};

static uint64_t manager_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* ---- interfaces ---------------------------------------------------------------------------- */

static void manager_reconcile(void *userdata)
{
	struct manager *m = userdata;

	if (m->links) /* not while it is being made */
		ports_reconcile(m->ports, m->links,
				m->mode == SG_MODE_AUTO || m->mode == SG_MODE_ALWAYS);
}

static void manager_on_port(void *userdata, enum ports_news what, const char *ifname,
			    const char *attach, const char *reason)
{
	static const char *const texts[PORTS_NEWS_COUNT] = {
		[PORTS_CAME] = "came",
		[PORTS_WENT] = "is gone",
		[PORTS_DETACHED] = "detached",
		[PORTS_REFUSED] = "cannot be attached to",
		[PORTS_MISSING] = "no such interface",
	};
	const char *colon = reason[0] ? ": " : "";

	if (what == PORTS_ATTACHED)
		log_notice("%s: attached (%s)%s%s", ifname, attach, colon, reason);
	else
		log_line(what == PORTS_CAME || what == PORTS_WENT ? LOG_NOTICE : LOG_WARNING,
			 "%s: %s%s%s", ifname, texts[what], colon, reason);
}

static void manager_on_address(void *userdata, const struct sg_addr *addr, bool here)
{
	struct manager *m = userdata;
	int r;

	if (!m->dp)
		return;
	r = here ? dataplane_local_add(m->dp, addr) : dataplane_local_remove(m->dp, addr);
	if (r < 0 && r != -ENOENT)
		log_warning("the table of local addresses: %s", strerror(-r));
}

/* ---- the tick ------------------------------------------------------------------------------ */

static uint64_t manager_per_sec(uint64_t now, uint64_t before, uint64_t elapsed_ns)
{
	return (unsigned __int128)detect_growth(now, before) * 1000000000 / elapsed_ns;
}

static void manager_count_half_open(void *userdata, const struct sockdiag_socket *s)
{
	struct services_total *total = userdata;

	total->half_open += !s->listening;
}

static void manager_look(struct manager *m, uint64_t now_ns, struct services_total *total)
{
	uint64_t rmem_max;
	int r;

	if (!m->services) {
		*total = (struct services_total){};
		r = sockdiag_walk(manager_count_half_open, total);
	} else {
		if (!sysctl_read("net.core.rmem_max", &rmem_max))
			dataplane_control(m->dp)->rmem_max = rmem_max;
		r = services_look(m->services, now_ns, total);
	}
	if (r < 0)
		log_warning("looking at the sockets: %s", strerror(-r));
}

static void manager_think(struct manager *m, uint64_t now_ns, const struct services_total *total)
{
	struct detect_sample sample = {
		.now_ns = now_ns,
		.syns = detect_growth(total->syns, m->total.syns),
		.handshakes = detect_growth(total->handshakes, m->total.handshakes),
		.defending = total->defending,
	};
	enum detect_state before = m->detector.state;
	enum detect_state state = detect_step(&m->detector, &detect_defaults, &sample);
	uint64_t elapsed_ns = now_ns - m->ticked_ns;

	if (m->ticked_ns && elapsed_ns) {
		m->syns_per_sec = manager_per_sec(total->syns, m->total.syns, elapsed_ns);
		m->challenges_per_sec =
			manager_per_sec(total->challenged, m->total.challenged, elapsed_ns);
		m->acceptances_per_sec =
			manager_per_sec(total->accepted, m->total.accepted, elapsed_ns);
	}
	m->ticked_ns = now_ns;
	m->total = *total;
	if (state != before)
		log_notice("state: %s -> %s, %llu unanswered SYN/s", detect_state_name(before),
			   detect_state_name(state),
			   (unsigned long long)m->detector.unanswered_per_sec);
}

static void manager_on_blocked(void *userdata, const struct sg_service *service, uint64_t accepted,
			       uint64_t born)
{
	char text[INET6_ADDRSTRLEN];

	log_warning("[%s]:%u is not challenged for 3 minutes: of %llu acceptances %llu became "
		    "connections; look for a firewall rule that drops ACKs without a SYN before "
		    "them, or nf_conntrack_tcp_loose=0",
		    inet_ntop(AF_INET6, service->addr.bytes, text, sizeof(text)),
		    ntohs(service->port), (unsigned long long)accepted, (unsigned long long)born);
}

static void manager_act(struct manager *m, uint64_t now_ns)
{
	const struct services_blocked blocked = { manager_on_blocked, m };

	if (m->services)
		services_act(m->services, now_ns, &blocked);
}

static int manager_tick(sd_event_source *source, uint64_t scheduled_usec, void *userdata)
{
	struct manager *m = userdata;
	uint64_t now_ns = manager_now_ns();
	struct services_total total;

	if (m->dp)
		__atomic_store_n(&dataplane_control(m->dp)->heartbeat_ns, now_ns, __ATOMIC_RELAXED);
	manager_look(m, now_ns, &total);
	manager_think(m, now_ns, &total);
	manager_act(m, now_ns);
	ports_tick(m->ports, now_ns);
	instance_tick(m->instance_fd);
	return sd_event_source_set_time_relative(source, MANAGER_TICK_USEC);
}

/* ---- telling ------------------------------------------------------------------------------- */

static char *manager_describe(void *userdata)
{
	struct manager *m = userdata;
	uint64_t now_ns = manager_now_ns();
	struct report report = {
		.version = SG_VERSION,
		.engine = m->dp ? "reqsk" : "kernel",
		.mode = mode_name(m->mode),
		.state = detect_state_name(m->detector.state),
		.uptime_seconds = (now_ns - m->started_ns) / 1000000000,
		.half_open = m->total.half_open,
		.syns_per_second = m->syns_per_sec,
		.challenges_per_second = m->challenges_per_sec,
		.acceptances_per_second = m->acceptances_per_sec,
	};
	char *text = NULL;
	int program;

	snprintf(report.engine_reason, sizeof(report.engine_reason), "%s",
		 m->dp ? "the kernel takes cookies from programs" : m->engine_reason.text);
	for (program = 0; m->dp && program < SG_PROGRAM_COUNT; program++)
		dataplane_counters(m->dp, program, &report.counters[program]);
	if (ports_report(m->ports, m->links, &report.interfaces, &report.interface_count) >= 0 &&
	    (!m->services || services_report(m->services, now_ns, &report) >= 0))
		text = report_to_json(&report);
	free(report.interfaces);
	free(report.services);
	return text;
}

static int manager_set_mode(void *userdata, const char *name)
{
	struct manager *m = userdata;
	int mode = mode_parse(name);

	if (mode < 0)
		return mode;
	if (m->mode != (enum sg_mode)mode)
		log_notice("mode: %s -> %s", mode_name(m->mode), name);
	m->mode = mode;
	if (m->dp)
		__atomic_store_n(&dataplane_control(m->dp)->mode, mode, __ATOMIC_RELAXED);
	manager_reconcile(m);
	return 0;
}

/* ---- life ---------------------------------------------------------------------------------- */

/* What must fit into a socket's address (sun_path) anyway. */
struct manager_path {
	char text[108];
};

static int manager_path(const struct manager *m, const char *name, struct manager_path *ret,
			struct complaint *c)
{
	int n = snprintf(ret->text, sizeof(ret->text), "%s/%s", m->options->runtime_dir, name);

	if (n < (int)sizeof(ret->text))
		return 0;
	complain(c, "the runtime directory's name is too long for a socket in it");
	return -ENAMETOOLONG;
}

/* One daemon per runtime directory; the lock dies with the process. */
static int manager_take_lock(struct manager *m, struct complaint *c)
{
	const char *dir = m->options->runtime_dir;
	struct manager_path path;
	int r;

	r = manager_path(m, "lock", &path, c);
	if (r < 0)
		return r;
	/* whatever the umask: anybody may ask what is */
	if (!mkdir(dir, 0755)) {
		chmod(dir, 0755);
	} else if (errno != EEXIST) {
		r = -errno;
		complain(c, "the runtime directory \"%s\" cannot be made: %s", dir, strerror(-r));
		return r;
	}
	m->lock_fd = open(path.text, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (m->lock_fd < 0) {
		r = -errno;
		complain(c, "%s: %s", path.text, strerror(-r));
		return r;
	}
	if (flock(m->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		complain(c,
			 "another synguardd is running with the runtime directory %s; stop it, or "
			 "give this one its own with --runtime-dir",
			 dir);
		return -EBUSY;
	}
	return 0;
}

/* And one per network namespace, whatever its runtime directory is. */
static int manager_be_alone(struct manager *m, struct complaint *c)
{
	struct complaint warning = {};

	m->instance_fd = instance_take(c, &warning);
	if (m->instance_fd != -EADDRINUSE)
		return m->instance_fd < 0 ? m->instance_fd : 0;
	log_warning("%s", warning.text);
	return 0;
}

/* Without a datapath the daemon still watches and says what is missing. */
static int manager_load(struct manager *m, struct complaint *c)
{
	struct sg_control *control;
	int r;

	r = dataplane_new(&m->dp, &m->engine_reason);
	if (r >= 0)
		r = dataplane_attach_births(m->dp, &m->engine_reason);
	if (r < 0) {
		m->dp = dataplane_free(m->dp);
		log_warning("engine kernel: %s", m->engine_reason.text);
		return 0;
	}
	control = dataplane_control(m->dp);
	control->mode = m->mode;
	control->lease_ns = MANAGER_LEASE_NS;
	control->arm_percent = MANAGER_ARM_PERCENT;
	control->heartbeat_ns = manager_now_ns();
	r = services_new(&m->services, m->dp);
	if (r < 0)
		complain(c, "%s", strerror(-r));
	return r;
}

static int manager_open_bus(struct manager *m, struct complaint *c)
{
	const struct bus_handler handler = { manager_describe, manager_set_mode, m };
	struct manager_path path;
	int r;

	r = manager_path(m, SG_BUS_SOCKET, &path, c);
	if (r < 0)
		return r;
	r = bus_new(&m->bus, m->event, path.text, &handler);
	if (r < 0)
		complain(c, "%s: %s", path.text, strerror(-r));
	return r;
}

static int manager_start_ticking(struct manager *m)
{
	int r;

	r = sd_event_add_time_relative(m->event, &m->ticker, CLOCK_MONOTONIC, 0,
				       MANAGER_ACCURACY_USEC, manager_tick, m);
	if (r >= 0)
		r = sd_event_source_set_enabled(m->ticker, SD_EVENT_ON);
	/* a source that fails would otherwise be switched off, and leave a daemon that is blind */
	return r < 0 ? r : sd_event_source_set_exit_on_failure(m->ticker, true);
}

static int manager_start(struct manager *m, struct complaint *c)
{
	const struct links_handler handler = { manager_on_address, manager_reconcile, m };
	const struct ports_handler on_port = { manager_on_port, m };
	int r;

	r = manager_take_lock(m, c);
	if (r >= 0)
		r = manager_be_alone(m, c);
	if (r < 0)
		return r;
	r = manager_load(m, c);
	if (r < 0)
		return r;
	r = manager_open_bus(m, c);
	if (r < 0)
		return r;
	/* what follows needs no more; and if that is missing, no driver has been touched yet */
	r = caps_keep_net_admin();
	if (r < 0) {
		complain(c, "CAP_NET_ADMIN is needed: %s", strerror(-r));
		return r;
	}
	r = ports_new(&m->ports, m->event, m->dp, m->options->interfaces,
		      m->options->interface_count, &on_port);
	if (r >= 0)
		r = links_new(&m->links, m->event, &handler);
	if (r < 0) {
		complain(c, "the interfaces: %s", strerror(-r));
		return r;
	}
	manager_reconcile(m);
	ports_settle(m->ports, MANAGER_SETTLE_USEC);
	ports_warn(m->ports, m->links);
	r = manager_start_ticking(m);
	if (r < 0)
		complain(c, "%s", strerror(-r));
	return r;
}

int manager_new(struct manager **ret, sd_event *event, const struct manager_options *options,
		struct complaint *c)
{
	struct manager *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->options = options;
	m->mode = options->mode;
	m->event = sd_event_ref(event);
	m->lock_fd = -EBADF;
	m->instance_fd = -EBADF;
	m->started_ns = manager_now_ns();
	r = manager_start(m, c);
	if (r < 0) {
		manager_free(m);
		return r;
	}
	*ret = m;
	return 0;
}

static int manager_on_left(sd_event_source *source, uint64_t scheduled_usec, void *userdata)
{
	struct manager *m = userdata;

	return sd_event_exit(m->event, 0);
}

int manager_leave(struct manager *m)
{
	if (!m->dp || !m->challenges_per_sec || m->mode == SG_MODE_OFF)
		return sd_event_exit(m->event, 0);
	manager_set_mode(m, mode_name(SG_MODE_OFF));
	return sd_event_add_time_relative(m->event, NULL, CLOCK_MONOTONIC, MANAGER_LEAVE_USEC, 0,
					  manager_on_left, m);
}

struct manager *manager_free(struct manager *m)
{
	if (!m)
		return NULL;
	sd_event_source_disable_unref(m->ticker);
	bus_free(m->bus);
	ports_free(m->ports);
	links_free(m->links);
	services_free(m->services);
	dataplane_free(m->dp);
	close_fd(m->instance_fd);
	close_fd(m->lock_fd);
	sd_event_unref(m->event);
	free(m);
	return NULL;
}
