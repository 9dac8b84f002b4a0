/* SPDX-License-Identifier: Apache-2.0 */
/* A table that lies in a file, and so outlives the server. */
#ifndef RL_LEDGER_FILE_FILE_H
#define RL_LEDGER_FILE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include <apr_errno.h>

#include "head.h"

/* A file that is open, in the parent process or a child. Only the parent may write to it by the
 * functions below. */
typedef struct rl_table_file {
    const char *path;
    rl_table_state_t *state; /* mapped; right before the cells */
    int fd;                  /* locked while the parent lives, whatever ends it; children close
                              * theirs */
    rl_file_head_t head;     /* as it stands in the file */
} rl_table_file_t;

/* What an opening came upon. */
typedef struct rl_table_finding {
    const char *aside;   /* why the file that was there has been set aside; NULL: it hasn't */
    bool kept;           /* a table was there, and goes on */
    bool stopped;        /* ... and its last server had stopped in order */
    int64_t last_second; /* ... and wrote to it for the last time then, since the epoch */
    const char *failed;  /* after an error: what could not be done */
} rl_table_finding_t;

/* Opens the table in the file, or makes a new one: with its secret, zero cells, for the owner
 * of this process alone (mode 0600), all of its blocks reserved. A file that doesn't fit is
 * renamed to PATH.aside, in place of an earlier one of that name. The path, absolute, must live
 * as long as the file is open.
 *
 * What the cells of an old table hold is not looked at: see rl_ledger_sweep(). Returns an error
 * if another server has the file, after waiting two seconds for it to end; or if the file can't
 * be made, for lack of room say. Then nothing is open. */
apr_status_t rl_table_file_open(rl_table_file_t *file, const char *path,
                                const rl_table_wish_t *wish, rl_table_finding_t *finding);

/* Notes in the head with which secret keys are hashed from now on; and thereby when the file
 * was last used, which file systems in memory don't note when a mapped page is written to. */
apr_status_t rl_table_file_set_secret_mark(rl_table_file_t *file, uint64_t secret_mark);

/* Notes in the head that the server has stopped in order. */
apr_status_t rl_table_file_stop(rl_table_file_t *file);

/* In a child: closes what is the parent's alone. */
void rl_table_file_child(rl_table_file_t *file);

#endif
