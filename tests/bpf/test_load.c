/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The object loads: that of the build, and those of the other compilers that are installed, for the
 * verifier judges what a compiler makes of the source and not the source.
 */
#include "suite.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "prog.h"
#include "synguard/reap_abi.h"

#include "reap.skel.h"
#include "synguard.skel.h"

#define TCX_INGRESS 46
#define TCX_EGRESS  47

static int say_warnings(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vprintf(format, args) : 0;
}

/* As the daemon does it: libbpf 1.1 knows no section name for tcx. */
static void set_attach_types(struct bpf_object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
	{
		const char *name = bpf_program__name(program);

		if (!strncmp(name, "synguard_ingress", 16))
			bpf_program__set_expected_attach_type(program, TCX_INGRESS);
		else if (!strcmp(name, "synguard_egress"))
			bpf_program__set_expected_attach_type(program, TCX_EGRESS);
	}
}

/* Sizes, as diagnostics: who makes a program grow sees it here. */
static void describe(const char *compiler, struct bpf_object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
	{
		struct bpf_prog_info info = {};
		__u32 bytes = sizeof(info);

		ck_assert_int_eq(bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &bytes),
				 0);
		printf("# %s: %s: %u instructions, %u bytes of machine code, %u steps of the "
		       "verifier\n",
		       compiler, bpf_program__name(program), info.xlated_prog_len / 8,
		       info.jited_prog_len, info.verified_insns);
		ck_assert_uint_gt(info.xlated_prog_len, 0);
	}
	fflush(stdout);
}

START_TEST(test_object_of_the_build_loads)
{
	struct synguard_bpf *skel = synguard_bpf__open();

	libbpf_set_print(say_warnings);
	ck_assert_ptr_nonnull(skel);
	set_attach_types(skel->obj);
	ck_assert_int_eq(synguard_bpf__load(skel), 0);
	describe("build", skel->obj);
	synguard_bpf__destroy(skel);
}
END_TEST

/*
 * What Linux 6.1 takes of it, where the verifier knows less, and structures of the kernel are others.
 * tests/vm runs it there.
 */
START_TEST(test_object_for_older_kernels_loads)
{
	struct synguard_bpf *skel = synguard_bpf__open();

	libbpf_set_print(say_warnings);
	ck_assert_ptr_nonnull(skel);
	set_attach_types(skel->obj);
	skel->rodata->kernel_has_casts = false;
	bpf_program__set_autoload(skel->progs.synguard_ingress, false);
	bpf_program__set_autoload(skel->progs.synguard_egress, false);
	/* its tracepoint came with Linux 6.5, and the daemon does without it */
	bpf_program__set_autoload(skel->progs.synguard_refused, false);
	ck_assert_int_eq(synguard_bpf__load(skel), 0);
	synguard_bpf__destroy(skel);
}
END_TEST

/* By itself, as where the kernel has not what the others need. */
START_TEST(test_object_of_the_reaper_loads)
{
	struct reap_bpf *skel = reap_bpf__open();

	libbpf_set_print(say_warnings);
	ck_assert_ptr_nonnull(skel);
	ck_assert_int_eq(reap_bpf__load(skel), 0);
	describe("build", skel->obj);
	reap_bpf__destroy(skel);
}
END_TEST

/* Everything is bounded when it is loaded: nothing that a packet does takes more memory. */
START_TEST(test_maps_are_bounded)
{
	struct synguard_bpf *skel = synguard_bpf__open();
	struct bpf_map *map;
	size_t bytes = 0;

	ck_assert_ptr_nonnull(skel);
	bpf_object__for_each_map(map, skel->obj)
	{
		size_t each = bpf_map__key_size(map) + bpf_map__value_size(map);
		size_t all = each * bpf_map__max_entries(map);

		if (bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_ARRAY)
			all *= libbpf_num_possible_cpus();
		printf("# map %s: %u entries, %zu bytes\n", bpf_map__name(map),
		       bpf_map__max_entries(map), all);
		bytes += all;
	}
	fflush(stdout);
	ck_assert_uint_lt(bytes, (3 + libbpf_num_possible_cpus()) * (1 << 20));
	synguard_bpf__destroy(skel);
}
END_TEST

static bool installed(const char *compiler)
{
	char command[64];

	snprintf(command, sizeof(command), "command -v %s >/dev/null", compiler);
	return !system(command);
}

static void load_one(const char *compiler, const char *name)
{
	char folder[] = "/tmp/synguard-load-XXXXXX", object[64], command[2048];
	struct bpf_object *o;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(object, sizeof(object), "%s/%s.bpf.o", folder, name);
	snprintf(command, sizeof(command), "%s %s -I%s/include -c %s/bpf/%s.bpf.c -o %s", compiler,
		 SG_BPF_FLAGS, SG_SOURCE, SG_SOURCE, name, object);
	ck_assert_msg(!system(command), "it does not compile: %s", command);

	libbpf_set_print(say_warnings);
	o = bpf_object__open_file(object, NULL);
	unlink(object);
	rmdir(folder);
	ck_assert_msg(o, "the object of %s cannot be opened", compiler);
	set_attach_types(o);
	ck_assert_msg(!bpf_object__load(o), "the object of %s does not load", compiler);
	describe(compiler, o);
	bpf_object__close(o);
}

/* Compiles with the build's own flags and loads; returns why that cannot be tried, or NULL. */
static const char *load_of(const char *compiler)
{
	if (!installed(compiler))
		return "the compiler is not installed";
	load_one(compiler, "synguard");
	load_one(compiler, "reap");
	load_one(compiler, "adjust");
	return NULL;
}

START_TEST(test_object_of_clang_16_loads)
{
	const char *reason = load_of("clang-16");

	if (reason)
		SKIP(reason);
}
END_TEST

START_TEST(test_object_of_clang_19_loads)
{
	const char *reason = load_of("clang-19");

	if (reason)
		SKIP(reason);
}
END_TEST

SUITE_NEEDS(prog_lacks)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(test_object_of_the_build_loads, 30),
	SUITE_TEST(test_object_for_older_kernels_loads, 60),
	SUITE_TEST(test_object_of_the_reaper_loads, 30),
	SUITE_TEST(test_maps_are_bounded, 10),
	SUITE_TEST(test_object_of_clang_16_loads, 60),
	SUITE_TEST(test_object_of_clang_19_loads, 60),
	{}
};
/* clang-format on */
