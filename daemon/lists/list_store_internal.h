/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the keeper share. keeper.c has its life, the files and what is shown,
 * keeper_request.c what is asked for, keeper_change.c how a change is made. Nobody else includes
 * this.
 */
#pragma once

#include "daemon/lists/list_apply.h"
#include "daemon/lists/list_store.h"
#include "daemon/lists/lists.h"
#include "daemon/lists/lists_file.h"

/* So that a list always changes from what it is when its turn has come. */
enum keeper_deed {
	KEEPER_LOAD,	 /* `list` in, which is what is kept */
	KEEPER_PUT,	 /* `list` in */
	KEEPER_TAKE_OUT, /* `list` out */
	KEEPER_EXPIRE,	 /* what has expired out */
	KEEPER_FILES,	 /* `list` is what the files say now */
};

/* A change that waits for its turn, or is being made. */
struct keeper_change {
	struct keeper_change *next;
	enum keeper_deed deed;
	enum lists_id id;
	struct lists_list list;
	size_t count; /* what is answered */
	/* who asked; NULL: nobody did */
	void (*done)(void *userdata, int r, const struct complaint *c);
	void *userdata;
};

enum keeper_stage {
	KEEPER_IDLE,
	KEEPER_APPLYING, /* the programs get to know it */
	KEEPER_SAVING,	 /* the thread has `saved` and the state file */
	KEEPER_UNDOING,	 /* the programs get to know what was before */
};

struct keeper {
	struct dataplane *dp; /* NULL: engine "kernel" */
	struct keeper_handler handler;
	struct lists_list asked[LISTS_COUNT];
	struct lists_list files[LISTS_COUNT];
	struct lists_list known[LISTS_COUNT]; /* what the programs know */
	struct lists_file file;
	bool told_unheeded;
	struct complaint news; /* a failure that nobody was waiting for */
	int news_error;

	/* keeper_change.c */
	struct keeper_change *first, **end; /* the first is being made, unless the stage is idle */
	enum keeper_stage stage;
	struct lists_list fresh; /* as what the change is about will be */
	struct lists_list other; /* what the programs will know; once they do, what they knew */
	struct rollout rollout;
	struct sd_event_source *turn;
	int error;
	struct complaint fault;
	struct worker *worker;
	struct worker_job job;
	struct lists_list saved[LISTS_COUNT]; /* borrowed */
};

uint64_t keeper_now(void);

/* ---- keeper_change.c ---- */

int keeper_change_init(struct keeper *k, sd_event *event);
void keeper_change_done(struct keeper *k);

/* Copies the change; its list becomes the keeper's. Made when those before it have been. -ENOMEM */
int keeper_change(struct keeper *k, struct keeper_change *change);
bool keeper_is_changing(const struct keeper *k);
