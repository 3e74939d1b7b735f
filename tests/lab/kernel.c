/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/lab/kernel.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "synguard/cleanup.h"

#define KERNEL_PACKAGE "linux-image-6.12-amd64"

/* The function whose presence in the kernel's BTF tells. */
static const struct kernel_feature {
	const char *function;
	const char *meaning;
} features[] = {
	{ "tcx_prog_attach", "tcx programs (Linux 6.6)" },
	{ "bpf_sk_assign_tcp_reqsk",
	  "bpf_sk_assign_tcp_reqsk(), which turns a cookie into a connection (Linux 6.9)" },
};

unsigned int kernel_lacks(FILE *talk)
{
	struct btf *btf = btf__load_vmlinux_btf();
	unsigned int missing = 0;
	size_t i;

	if (!btf) {
		fprintf(talk, "this kernel lacks BTF (CONFIG_DEBUG_INFO_BTF)\n");
		missing++;
	}
	for (i = 0; btf && i < ARRAY_SIZE(features); i++) {
		if (btf__find_by_name_kind(btf, features[i].function, BTF_KIND_FUNC) >= 0)
			continue;
		fprintf(talk, "this kernel lacks %s\n", features[i].meaning);
		missing++;
	}
	btf__free(btf);
	if (missing)
		fprintf(talk, "On Debian 12 the package " KERNEL_PACKAGE
			      " brings a kernel that has all of it.\n");
	return missing;
}

static int silence(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

void kernel_quiet(void)
{
	libbpf_set_print(silence);
}
