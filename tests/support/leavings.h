/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of a program made for themselves with mkdtemp(3) and mkstemp(3), to see afterwards
 * whether they removed it, and to do it for those that failed. The linker has both calls come by
 * here first (--wrap), whoever makes them.
 *
 * What a program that the tests start makes is not seen.
 */
#pragma once

/* Before the first test. */
void leavings_watch(void);

/* Removes what is left and returns how much that was, naming it in lines behind "# ". */
int leavings_remove(void);
