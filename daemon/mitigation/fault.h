/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Points at which a test kills the process, as kill -9 would. Empty in what is installed: only a
 * program built with -DSG_FAULTS has fault_pass_by(), which counts and kills.
 */
#pragma once

/* clang-format off */
#define FAULTS(X)                                                                                   \
	X(RECORD_WRITTEN,  "the record is written beside the old one")                              \
	X(RECORD_REPLACED, "the record has taken its place")                                        \
	X(BEFORE_TAKE,     "a step is recorded and not taken yet")                                  \
	X(TAKEN,           "a step is taken")                                                       \
	X(LISTENER_TAKEN,  "a listener is adjusted, and others of the step not yet")                \
	X(BEFORE_UNDO,     "a step is about to be undone")                                          \
	X(LISTENER_UNDONE, "a listener is put back, and others of the step not yet")                \
	X(UNDONE,          "a step is undone and still recorded")                                   \
	X(DROPPED,         "a step is undone and its record dropped")                               \
	X(BEFORE_REMOVE,   "nothing is taken any more and the record still there")
/* clang-format on */

#define FAULT_ENUM_(name, what) FAULT_##name,
enum fault {
	FAULT_NONE,
	FAULTS(FAULT_ENUM_) FAULT_COUNT,
};
#undef FAULT_ENUM_

#ifdef SG_FAULTS
void fault_pass_by(enum fault point);
#else
static inline void fault_pass_by(enum fault point)
{
}
#endif
