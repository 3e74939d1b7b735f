/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a program said, and how it ended, for tests of the command line. Every function fails the
 * running test with the reason.
 */
#pragma once

#include "stage.h"

struct said {
	int status;    /* as waitpid(2) has it */
	int exit_code; /* -1: killed by a signal */
	char *out;
	char *err;
};

void said_done(struct said *said);

/* Runs argv in the server's host, to its end; stdout_fd >= 0: there instead of into said.out. */
struct said said_run(struct stage *s, const char *const argv[], int stdout_fd);

/* The same with more environment, "NAME=value" and a final NULL. */
struct said said_run_with(struct stage *s, const char *const argv[], const char *const *env,
			  int stdout_fd);

/* The path of synguard. */
const char *said_program(void);

/* synguard with the stage's runtime directory and these arguments; ends at the first NULL. */
struct said said_cli(struct stage *s, const char *const args[]);
#define CLI(s, ...) said_cli(s, (const char *const[]){ __VA_ARGS__, NULL })

/* The same as somebody without any right, who need not even be able to find the program; b may be
 * NULL. */
struct said said_as_nobody(struct stage *s, const char *a, const char *b);

/* Nothing on stderr. */
void said_is_silent(const struct said *said, const char *what);

/* Every line of out fits, ends, and holds no escape sequence. */
void said_is_narrow(const struct said *said, size_t columns, const char *what);
