/* SPDX-License-Identifier: Apache-2.0 */
/* The head of a table's file: what the table is, and whether this server can go on with it. */
#ifndef RL_LEDGER_FILE_HEAD_H
#define RL_LEDGER_FILE_HEAD_H

#include <stdbool.h>
#include <stdint.h>

/*  0           64K       68K
 *  +-----------+---------+---------------------------------------------+
 *  | head      | state   | cells: size bytes (ledger/cell.h)           |
 *  +-----------+---------+---------------------------------------------+
 *  head   rl_file_head_t, and zeros; for the parent process, which writes it whole, in one
 *         call: neither a killed process nor a power cut leaves half of it
 *  state  rl_table_state_t, and zeros; mapped together with the cells
 *
 * 64K is the largest page of the usual processors: a mapping begins at a multiple of a page.
 * All times in state and cells are of the wall clock, so they mean the same after a boot. */
#define RL_FILE_HEAD_BYTES  65536u
#define RL_FILE_STATE_BYTES 4096u

#define RL_FILE_SECRET_BYTES 32

typedef struct rl_file_head {
    char magic[16];
    uint32_t version;       /* of this head */
    uint32_t byte_order;    /* tells processors apart */
    uint32_t pointer_bytes; /* likewise */
    uint32_t tenants;       /* the tenants' share of the table, percent */
    uint64_t layout;        /* rl_ledger_layout() */
    uint64_t size;          /* of the cells, bytes */
    uint64_t secret_mark;   /* names the RateLimitSecret that keys are hashed with; 0: it is
                             * the file's own */
    uint64_t stopped;       /* 1: the last server has stopped in order; 0: it is running, or was
                             * killed */
    unsigned char secret[RL_FILE_SECRET_BYTES]; /* the file's own, drawn at random */
    uint64_t check[2];                          /* digest of all before */
} rl_file_head_t;

/* What stands before the cells, also where these are in no file: all that has to go on together
 * with the counters. */
typedef struct rl_table_state {
    _Atomic uint32_t exempt_until; /* when the last exemption of a key ends, seconds since 1970;
                                    * see fleet/source.h */
} rl_table_state_t;

/* What a server wants of its table. */
typedef struct rl_table_wish {
    uint64_t size;        /* of the cells, bytes; it fits into a size_t */
    unsigned tenants;     /* percent */
    uint64_t secret_mark; /* see rl_file_head_t */
} rl_table_wish_t;

/* Makes the head of a new table, but for its secret. */
void rl_file_head_make(rl_file_head_t *head, const rl_table_wish_t *wish);

/* Completes a head that was made or changed. */
void rl_file_head_seal(rl_file_head_t *head);

/* Returns NULL if a file of so many bytes with this head is the table that is wanted, else the
 * reason why it isn't. */
const char *rl_file_head_unfit(const rl_file_head_t *head, const rl_table_wish_t *wish,
                               uint64_t file_bytes);

/* Returns the bytes that the file of such a table has. */
uint64_t rl_file_bytes(uint64_t size);

#endif
