/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/dataplane/load.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "daemon/dataplane/attach.h"
#include "daemon/dataplane/dataplane_silence.h"
#include "daemon/dataplane/inherit.h"
#include "synguard.skel.h"

#define DATAPLANE_KFUNC	   "bpf_sk_assign_tcp_reqsk"
#define DATAPLANE_TCP_WALK "bpf_iter_tcp"

/* The last lines of what libbpf and the verifier had to say. */
static char dataplane_last_words[256];

static int dataplane_listen(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[sizeof(dataplane_last_words)];

	if (level != LIBBPF_WARN || dataplane_last_words[0])
		return 0;
	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = '\0';
	memcpy(dataplane_last_words, line, sizeof(line));
	return 0;
}

static bool dataplane_has(const char *name, uint32_t kind)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int id;

	if (libbpf_get_error(btf))
		return false;
	id = btf__find_by_name_kind(btf, name, kind);
	btf__free(btf);
	return id > 0;
}

/* Probes, never versions: distributions take features back to older kernels. */
static int dataplane_probe(struct complaint *c)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK) < 0) {
		complain(c, "this kernel has no type information (/sys/kernel/btf/vmlinux, "
			    "CONFIG_DEBUG_INFO_BTF); on Debian install linux-image-6.12-amd64");
		return -EOPNOTSUPP;
	}
	if (!dataplane_has(DATAPLANE_KFUNC, BTF_KIND_FUNC)) {
		complain(c, "this kernel lacks " DATAPLANE_KFUNC "() (Linux 6.9), which turns an "
			    "ACK with a cookie into a connection; on Debian install "
			    "linux-image-6.12-amd64");
		return -EOPNOTSUPP;
	}
	return 0;
}

/* What only watches the driver is left out where the kernel has not got its tracepoint. */
static void dataplane_choose_tracing(struct synguard_bpf *skel)
{
	bpf_program__set_autoload(skel->progs.synguard_sent,
				  dataplane_has("btf_trace_xdp_bulk_tx", BTF_KIND_TYPEDEF));
	bpf_program__set_autoload(skel->progs.synguard_failed,
				  dataplane_has("btf_trace_xdp_exception", BTF_KIND_TYPEDEF));
}

static struct synguard_bpf *dataplane_open(uint8_t epoch_shift)
{
	struct synguard_bpf *skel = synguard_bpf__open();

	if (!skel)
		return NULL;
	skel->rodata->epoch_shift = epoch_shift;
	/* libbpf 1.1 knows no SEC("tcx/..."), so the programs say "tc" and this says where */
	bpf_program__set_expected_attach_type(skel->progs.synguard_ingress, DATAPLANE_TCX_INGRESS);
	bpf_program__set_expected_attach_type(skel->progs.synguard_ingress_alone,
					      DATAPLANE_TCX_INGRESS);
	bpf_program__set_expected_attach_type(skel->progs.synguard_ingress_answers,
					      DATAPLANE_TCX_INGRESS);
	bpf_program__set_expected_attach_type(skel->progs.synguard_egress, DATAPLANE_TCX_EGRESS);
	dataplane_choose_tracing(skel);
	if (!dataplane_has(DATAPLANE_TCP_WALK, BTF_KIND_FUNC))
		bpf_program__set_autoload(skel->progs.synguard_listeners, false);
	return skel;
}

static int dataplane_load_once(struct dataplane_loaded *ret, uint8_t epoch_shift,
			       const struct dataplane_store *store)
{
	struct synguard_bpf *skel;
	struct dataplane_stamp stamp;
	int r;

	dataplane_last_words[0] = '\0';
	skel = dataplane_open(epoch_shift);
	if (!skel)
		return -errno;
	r = dataplane_stamp(skel, &stamp);
	if (r >= 0)
		r = dataplane_reuse(skel, store, &stamp);
	ret->continues = r != 0;
	if (r >= 0)
		r = synguard_bpf__load(skel);
	if (r < 0) {
		synguard_bpf__destroy(skel);
		return r;
	}
	if (!ret->continues)
		dataplane_keep_maps(skel, store, &stamp);
	ret->skel = skel;
	return 0;
}

int dataplane_load(struct dataplane_loaded *ret, uint8_t epoch_shift,
		   const struct dataplane_store *store, struct complaint *c)
{
	int r;

	libbpf_set_print(dataplane_silence);
	r = dataplane_probe(c);
	if (r < 0)
		return r;
	libbpf_set_print(dataplane_listen);
	r = dataplane_load_once(ret, epoch_shift, store);
	/* it may have failed for what was left, which has been taken out of the store by now */
	if (r < 0 && ret->continues)
		r = dataplane_load_once(ret, epoch_shift, store);
	libbpf_set_print(dataplane_silence);
	if (r == -EPERM)
		complain(c,
			 "the kernel refused the programs: CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON "
			 "are needed to load them (or lockdown forbids it)");
	else if (r < 0)
		complain(c, "the programs could not be loaded: %s (%s)", strerror(-r),
			 dataplane_last_words);
	return r;
}
