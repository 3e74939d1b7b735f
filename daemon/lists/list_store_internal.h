/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the list store share. list_store.c has its life, the files and what is shown,
 * list_store_request.c what is asked for, list_store_change.c how a change is made. Nobody else includes
 * this.
 */
#pragma once

#include "daemon/lists/list_apply.h"
#include "daemon/lists/lists.h"
#include "daemon/lists/lists_file.h"
#include "daemon/lists/store.h"

/* So that a list always changes from what it is when its turn has come. */
enum list_store_action {
	LIST_STORE_LOAD,     /* `list` in, which is what is kept */
	LIST_STORE_PUT,	     /* `list` in */
	LIST_STORE_TAKE_OUT, /* `list` out */
	LIST_STORE_EXPIRE,   /* what has expired out */
	LIST_STORE_FILES,    /* `list` is what the files say now */
};

/* A change that waits for its turn, or is being made. */
struct list_store_change {
	struct list_store_change *next;
	enum list_store_action deed;
	enum lists_id id;
	struct lists_list list;
	size_t count; /* what is answered */
	/* who asked; NULL: nobody did */
	void (*done)(void *userdata, int r, const struct complaint *c);
	void *userdata;
};

enum list_store_stage {
	LIST_STORE_IDLE,
	LIST_STORE_APPLYING, /* the programs get to know it */
	LIST_STORE_SAVING,   /* the thread has `saved` and the state file */
	LIST_STORE_UNDOING,  /* the programs get to know what was before */
};

struct list_store {
	struct dataplane *dp; /* NULL: engine "kernel" */
	struct list_store_handler handler;
	struct lists_list asked[LISTS_COUNT];
	struct lists_list files[LISTS_COUNT];
	struct lists_list known[LISTS_COUNT]; /* what the programs know */
	struct lists_file file;
	bool told_not_applied;
	struct complaint news; /* a failure that nobody was waiting for */
	int news_error;

	/* list_store_change.c */
	struct list_store_change *first,
		**end; /* the first is being made, unless the stage is idle */
	enum list_store_stage stage;
	struct lists_list fresh; /* as what the change is about will be */
	struct lists_list other; /* what the programs will know; once they do, what they knew */
	struct list_apply list_apply;
	struct sd_event_source *turn;
	int error;
	struct complaint fault;
	struct worker *worker;
	struct worker_job job;
	struct lists_list saved[LISTS_COUNT]; /* borrowed */
};

uint64_t list_store_now(void);

/* ---- list_store_change.c ---- */

int list_store_change_init(struct list_store *k, sd_event *event);
void list_store_change_done(struct list_store *k);

/* Copies the change; its list becomes the list_store's. Made when those before it have been. -ENOMEM */
int list_store_change(struct list_store *k, struct list_store_change *change);
bool list_store_is_changing(const struct list_store *k);
