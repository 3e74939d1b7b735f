/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why the programs are not loaded: each probe says what has failed, with the remedy for that and for
 * nothing else (trap FW83). With functions of its own in place of libbpf's, which fail as told.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "daemon/dataplane/dataplane.h"
#include "suite.h"
#include "synguard/cleanup.h"

#define KFUNC "bpf_sk_assign_tcp_reqsk"

/* ---- a libbpf that fails ------------------------------------------------------------------- */

static struct {
	int types; /* -errno, or 0 */
	const char *function;
	int load;
	const char *warning;
} kernel;

static libbpf_print_fn_t print;

libbpf_print_fn_t libbpf_set_print(libbpf_print_fn_t fn)
{
	libbpf_print_fn_t before = print;

	print = fn;
	return before;
}

static void warn(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (print)
		print(LIBBPF_WARN, format, args);
	va_end(args);
}

struct btf *btf__parse(const char *path, struct btf_ext **ext)
{
	struct btf *btf = kernel.types ? NULL : btf__new_empty();

	ck_assert_str_eq(path, "/sys/kernel/btf/vmlinux");
	errno = -kernel.types;
	if (btf && kernel.function)
		ck_assert_int_gt(btf__add_func(btf, kernel.function, BTF_FUNC_GLOBAL,
					       btf__add_func_proto(btf, 0)),
				 0);
	return btf;
}

int bpf_object__load_skeleton(struct bpf_object_skeleton *skeleton)
{
	warn("%s\n", kernel.warning);
	errno = -kernel.load;
	return kernel.load;
}

/* ---- what is said of it -------------------------------------------------------------------- */

#define MEMORY "there is not enough memory. Give synguardd more (MemoryMax="
#define RIGHTS "that takes CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON"
#define LACKS  "this kernel lacks " KFUNC "() (Linux 6.9)"
#define TYPES  "the kernel's type information (/sys/kernel/btf/vmlinux) could not be read: "
#define LOAD   "the programs could not be loaded: "

/* clang-format off */
static const struct {
	int types;
	const char *function;
	int load;
	const char *warning;
	int error;
	const char *words;
} refusals[] = {
	{ -ENOENT, NULL,  0,        "",  -EOPNOTSUPP, "this kernel has no type information" },
	{ -ENOMEM, NULL,  0,        "",  -ENOMEM,     TYPES MEMORY },
	{ -EPERM,  NULL,  0,        "",  -EPERM,      TYPES RIGHTS },
	{ -EACCES, NULL,  0,        "",  -EACCES,     TYPES "Permission denied" },
	{ -EINVAL, NULL,  0,        "",  -EINVAL,     TYPES "Invalid argument" },
	{ 0,       NULL,  0,        "",  -EOPNOTSUPP, LACKS },
	{ 0,       "of_an_older_kernel", 0, "", -EOPNOTSUPP, LACKS },
	{ 0,       KFUNC, -ENOMEM,  "",  -ENOMEM,     LOAD MEMORY },
	{ 0,       KFUNC, -EPERM,   "",  -EPERM,      LOAD RIGHTS },
	{ 0,       KFUNC, -EACCES,  "R1 is no pointer", -EACCES, LOAD "Permission denied (R1 is no pointer)" },
	{ 0,       KFUNC, -ESRCH,   "extern (func ksym) 'x': not found in kernel or module BTFs", -ESRCH,
	  LOAD "No such process (extern (func ksym) 'x'" },
	/* which libbpf reads again, and has one errno for */
	{ 0,       KFUNC, -ESRCH,   "libbpf: failed to find valid kernel BTF", -ENOMEM, LOAD MEMORY },
};
/* clang-format on */

START_TEST(fw83_each_refusal)
{
	static const char *const remedies[] = { "MemoryMax", "CAP_BPF", "linux-image" };
	struct dataplane *dp = NULL;
	struct complaint c = {};
	size_t i, named = 0, wanted = 0;

	kernel.types = refusals[_i].types;
	kernel.function = refusals[_i].function;
	kernel.load = refusals[_i].load;
	kernel.warning = refusals[_i].warning;
	ck_assert_int_eq(dataplane_new(&dp, 36, NULL, &c), refusals[_i].error);
	ck_assert_ptr_null(dp);
	ck_assert_msg(!strncmp(c.text, refusals[_i].words, strlen(refusals[_i].words)), "\"%s\"",
		      c.text);
	for (i = 0; i < ARRAY_SIZE(remedies); i++)
		named += !!strstr(c.text, remedies[i]);
	wanted = refusals[_i].error == -EOPNOTSUPP || refusals[_i].error == -ENOMEM ||
		 refusals[_i].error == -EPERM;
	ck_assert_msg(named == wanted, "\"%s\"", c.text);
}
END_TEST

/* What walks the listeners is asked for in the same way. */
START_TEST(fw83_function_of_the_kernel)
{
	struct complaint c = {};

	kernel.types = -ENOMEM;
	ck_assert_int_eq(dataplane_kernel_has("bpf_iter_tcp", &c), -ENOMEM);
	ck_assert_msg(strstr(c.text, MEMORY), "%s", c.text);
	kernel.types = 0;
	ck_assert_int_eq(dataplane_kernel_has("bpf_iter_tcp", &c), 0);
	kernel.function = "bpf_iter_tcp";
	ck_assert_int_eq(dataplane_kernel_has("bpf_iter_tcp", &c), 1);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(fw83_each_refusal, ARRAY_SIZE(refusals), 10),
	SUITE_TEST(fw83_function_of_the_kernel, 10),
	{}
};
/* clang-format on */
