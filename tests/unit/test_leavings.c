/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The check that every test program ends with: what its tests left in the file system is found,
 * told, and removed.
 */
#include "leavings.h"
#include "suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

START_TEST(leavings_are_found)
{
	char left[] = "/tmp/synguard-left-XXXXXX", gone[] = "/tmp/synguard-gone-XXXXXX";
	char file[] = "/tmp/synguard-file-XXXXXX", inner[64];
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(left));
	ck_assert_ptr_nonnull(mkdtemp(gone));
	snprintf(inner, sizeof(inner), "%s/inner", left);
	fd = open(inner, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
	fd = mkstemp(file);
	ck_assert_int_ge(fd, 0);
	close(fd);
	rmdir(gone);
	/* in the process of the test; the program's own check then finds nothing */
	ck_assert_int_eq(leavings_remove(), 2);
	ck_assert_int_ne(access(left, F_OK), 0);
	ck_assert_int_ne(access(file, F_OK), 0);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(leavings_are_found, 10),
	{}
};
/* clang-format on */
