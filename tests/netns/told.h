/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the daemon has told, for tests: its events, and what the verbs print. Functions fail the
 * running test with the reason. */
#pragma once

#include "stage.h"

/* The number of events of this name, and in *last the last one or NULL, for the caller to release. */
int told_events(struct stage *s, const char *name, json_t **last);

/* Waits for one of this name, 20 s at the most; the last one, for the caller to release. */
json_t *told_await(struct stage *s, const char *name);

/* That the verb prints this, as it stands. */
void told_says(struct stage *s, const char *verb, const char *what);

/* That it prints this, however its lines are wrapped. */
void told_says_in_words(struct stage *s, const char *verb, const char *option, const char *what);

/* A text of status. */
bool told_is(const json_t *status, const char *key, const char *text);

/* Waits until the daemon has read everything so many times more. */
void told_await_ticks(struct stage *s, int count);

/* Waits until status has this text at this key, 20 s at the most. */
void told_await_word(struct stage *s, const char *key, const char *text);
