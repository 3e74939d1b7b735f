/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads the programs, or says why the kernel cannot have them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "synguard/cleanup.h"
#include "synguard/heavy_hitters_abi.h"

#include "daemon/base/clock.h"
#include "daemon/dataplane/attach.h"
#include "daemon/dataplane/control.h"
#include "daemon/dataplane/dataplane.h"
#include "daemon/dataplane/inherit.h"
#include "synguard.skel.h"

#define LOAD_KFUNC	  "bpf_sk_assign_tcp_reqsk"
#define LOAD_KERNEL_TYPES "/sys/kernel/btf/vmlinux"

#define LOAD_SERVICES_BYTES (SG_SERVICES_MAX * sizeof(struct sg_service))
#define LOAD_HITTERS_BYTES  (SG_HITTER_KINDS * SG_HITTER_SETS * sizeof(struct sg_hitter_set))

/* The first warning of libbpf, which has the verifier's words. */
static char load_warning[256];

static int load_on_message(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level != LIBBPF_WARN || load_warning[0])
		return 0;
	vsnprintf(load_warning, sizeof(load_warning), format, args);
	load_warning[strcspn(load_warning, "\n")] = '\0';
	return 0;
}

void dataplane_explain(struct complaint *c, const char *what, int error, const char *detail)
{
	if (error == -EPERM)
		complain(c,
			 "%s: that takes CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, and no lockdown "
			 "and no filter of system calls that forbids it",
			 what);
	else if (error == -ENOMEM)
		complain(c,
			 "%s: there is not enough memory. Give synguardd more (MemoryMax= of its "
			 "unit, memory.max of its control group, ulimit -v), or free some, and "
			 "start it again",
			 what);
	else
		complain(c, "%s: %s%s%s%s", what, strerror(-error), *detail ? " (" : "", detail,
			 *detail ? ")" : "");
}

/* What the kernel has, for probes: never versions, for distributions take features back to older
 * kernels. By its path: btf__load_vmlinux_btf() has one errno for all that can fail. */
static int load_kernel_types(struct btf **ret, struct complaint *c)
{
	struct btf *btf = btf__parse(LOAD_KERNEL_TYPES, NULL);
	int r = libbpf_get_error(btf);

	if (r == -ENOENT) {
		complain(c, "this kernel has no type information (" LOAD_KERNEL_TYPES
			    ", CONFIG_DEBUG_INFO_BTF); on Debian install linux-image-6.12-amd64");
		return -EOPNOTSUPP;
	}
	if (r < 0) {
		dataplane_explain(c,
				  "the kernel's type information (" LOAD_KERNEL_TYPES
				  ") could not be read",
				  r, "");
		return r;
	}
	*ret = btf;
	return 0;
}

/* 1: it has; 0: it has not; -errno. */
static int load_kernel_has(const struct btf *btf, const char *name, uint32_t kind)
{
	int id = btf__find_by_name_kind(btf, name, kind);

	return id >= 0 ? id > 0 : id == -ENOENT ? 0 : id;
}

static void load_forget_types(struct btf **btf)
{
	btf__free(*btf);
}

int dataplane_kernel_has(const char *function, struct complaint *c)
{
	_cleanup_(load_forget_types) struct btf *btf = NULL;
	int r = load_kernel_types(&btf, c);

	return r < 0 ? r : load_kernel_has(btf, function, BTF_KIND_FUNC);
}

static int load_probe(const struct btf *btf, struct complaint *c)
{
	int r = load_kernel_has(btf, LOAD_KFUNC, BTF_KIND_FUNC);

	if (r < 0) {
		dataplane_explain(c, "it could not be found out what the kernel has", r, "");
		return r;
	}
	if (!r) {
		complain(c, "this kernel lacks " LOAD_KFUNC "() (Linux 6.9), which turns an "
			    "ACK with a cookie into a connection; on Debian install "
			    "linux-image-6.12-amd64");
		return -EOPNOTSUPP;
	}
	return 0;
}

/* Leaves out what the daemon can do without where the kernel has not got its hook. */
static void load_choose_tracing(struct synguard_bpf *skel, const struct btf *btf)
{
	const struct {
		struct bpf_program *prog;
		const char *hook;
		uint32_t kind;
	} rows[] = {
		{ skel->progs.synguard_sent, "btf_trace_xdp_bulk_tx", BTF_KIND_TYPEDEF },
		{ skel->progs.synguard_failed, "btf_trace_xdp_exception", BTF_KIND_TYPEDEF },
		{ skel->progs.synguard_refused, "btf_trace_bpf_xdp_link_attach_failed",
		  BTF_KIND_TYPEDEF },
		{ skel->progs.synguard_listeners, "bpf_iter_tcp", BTF_KIND_FUNC },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		bpf_program__set_autoload(rows[i].prog,
					  load_kernel_has(btf, rows[i].hook, rows[i].kind) > 0);
}

static struct synguard_bpf *load_open(uint8_t epoch_shift, const struct btf *btf)
{
	struct synguard_bpf *skel = synguard_bpf__open();

	if (!skel)
		return NULL;
	skel->rodata->epoch_shift = epoch_shift;
	/* libbpf 1.1 knows no SEC("tcx/..."), so the programs say "tc" and this says where */
	bpf_program__set_expected_attach_type(skel->progs.synguard_ingress, ATTACH_TCX_INGRESS);
	bpf_program__set_expected_attach_type(skel->progs.synguard_egress, ATTACH_TCX_EGRESS);
	load_choose_tracing(skel, btf);
	return skel;
}

static int load_once(struct dataplane *dp, uint8_t epoch_shift, const struct btf *btf)
{
	struct synguard_bpf *skel;
	struct inherit_stamp stamp;
	int r;

	load_warning[0] = '\0';
	skel = load_open(epoch_shift, btf);
	if (!skel)
		return -errno;
	r = inherit_stamp(skel, &stamp);
	if (r >= 0)
		r = inherit_maps(skel, dp->store, &stamp);
	dp->continues = r != 0;
	if (r >= 0)
		r = synguard_bpf__load(skel);
	if (r < 0) {
		synguard_bpf__destroy(skel);
		return r;
	}
	if (!dp->continues)
		inherit_keep_maps(skel, dp->store, &stamp);
	dp->skel = skel;
	return 0;
}

static int load_programs(struct dataplane *dp, uint8_t epoch_shift, struct complaint *c)
{
	_cleanup_(load_forget_types) struct btf *btf = NULL;
	int r;

	libbpf_set_print(NULL);
	r = load_kernel_types(&btf, c);
	if (r >= 0)
		r = load_probe(btf, c);
	if (r < 0)
		return r;
	libbpf_set_print(load_on_message);
	r = load_once(dp, epoch_shift, btf);
	/* it may have failed for what was left, which has been taken out of the store by now */
	if (r < 0 && dp->continues)
		r = load_once(dp, epoch_shift, btf);
	libbpf_set_print(NULL);
	/* libbpf reads the types once more; they could be read a moment ago */
	if (r == -ESRCH && strstr(load_warning, "find valid kernel BTF"))
		r = -ENOMEM;
	if (r < 0)
		dataplane_explain(c, "the programs could not be loaded", r, load_warning);
	return r;
}

static int load_map_tables(struct dataplane *dp)
{
	void *p = mmap(NULL, LOAD_SERVICES_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
		       bpf_map__fd(dp->skel->maps.services), 0);

	if (p == MAP_FAILED)
		return -errno;
	dp->services = p;
	p = mmap(NULL, LOAD_HITTERS_BYTES, PROT_READ, MAP_SHARED,
		 bpf_map__fd(dp->skel->maps.heavy_hitters), 0);
	if (p == MAP_FAILED)
		return -errno;
	dp->heavy_hitters = p;
	return 0;
}

static int load_set_up(struct dataplane *dp)
{
	int r;

	dp->cpus = libbpf_num_possible_cpus();
	r = dp->cpus < 0 ? dp->cpus : load_map_tables(dp);
	dp->skel->bss->control.ways = 0; /* of the daemon before, whose tables are not taken over */
	if (r < 0 || dp->continues)
		return r;
	dp->loaded_ns = clock_now_ns();
	return control_init(&dp->skel->bss->control);
}

int dataplane_new(struct dataplane **ret, uint8_t epoch_shift, struct fdstore *store,
		  struct complaint *c)
{
	struct dataplane *dp = calloc(1, sizeof(*dp));
	int r;

	if (!dp)
		return -ENOMEM;
	dp->store = store;
	r = load_programs(dp, epoch_shift, c);
	if (r >= 0) {
		r = load_set_up(dp);
		if (r < 0)
			dataplane_explain(c, "the programs could not be set up", r, "");
	}
	if (r < 0) {
		dataplane_free(dp);
		return r;
	}
	*ret = dp;
	return 0;
}

struct dataplane *dataplane_free(struct dataplane *dp)
{
	if (!dp)
		return NULL;
	if (dp->services)
		munmap(dp->services, LOAD_SERVICES_BYTES);
	if (dp->heavy_hitters)
		munmap((void *)dp->heavy_hitters, LOAD_HITTERS_BYTES);
	ring_buffer__free(dp->calls);
	synguard_bpf__destroy(dp->skel);
	free(dp->macs.keys);
	free(dp->local_prefixes.keys);
	free(dp);
	return NULL;
}

bool dataplane_continues(const struct dataplane *dp)
{
	return dp->continues;
}

static int load_on_call(void *ctx, void *data, size_t size)
{
	return 0;
}

int dataplane_calls_fd(struct dataplane *dp)
{
	if (!dp->calls)
		dp->calls = ring_buffer__new(bpf_map__fd(dp->skel->maps.calls), load_on_call, NULL,
					     NULL);
	return dp->calls ? ring_buffer__epoll_fd(dp->calls) : -errno;
}

void dataplane_hear_calls(struct dataplane *dp)
{
	ring_buffer__consume(dp->calls);
}

/* Into a place of the skeleton's, which destroys the link. Fails where the program was left out. */
static int load_attach(struct bpf_program *prog, struct bpf_link **ret)
{
	struct bpf_link *link = bpf_program__autoload(prog) ? bpf_program__attach(prog) : NULL;
	int r = link ? libbpf_get_error(link) : -EOPNOTSUPP;

	if (!r)
		*ret = link;
	return r;
}

int dataplane_attach_tracing(struct dataplane *dp, struct complaint *c)
{
	struct synguard_bpf *skel = dp->skel;
	int r = load_attach(skel->progs.synguard_handshake, &skel->links.synguard_handshake);

	if (r < 0) {
		dataplane_explain(c, "the tracepoint inet_sock_set_state could not be attached", r,
				  "");
		return r;
	}
	/* without these it is not noticed that a driver does not send, or not said why it refuses */
	load_attach(skel->progs.synguard_sent, &skel->links.synguard_sent);
	load_attach(skel->progs.synguard_failed, &skel->links.synguard_failed);
	load_attach(skel->progs.synguard_refused, &skel->links.synguard_refused);
	load_attach(skel->progs.synguard_listeners, &skel->links.synguard_listeners);
	return 0;
}
