/* SPDX-License-Identifier: Apache-2.0 */
#include "ranges.h"

/* Begins a range, which replaces one that begins at the same address. Neighbours of the same
 * value become one range. */
static void begin_range(rl_sweep_t *sweep, uint64_t start, uint32_t value)
{
    rl_ranges_t *out = sweep->out;
    if (out->n > sweep->first && out->starts[out->n - 1] == start) {
        out->n--;
    }
    if (out->n > sweep->first && out->values[out->n - 1] == value) {
        return;
    }
    out->starts[out->n] = start;
    out->values[out->n] = value;
    out->n++;
}

void rl_sweep_begin(rl_sweep_t *sweep, rl_ranges_t *out, uint32_t value)
{
    sweep->out = out;
    sweep->first = out->n;
    sweep->depth = 1;
    sweep->open[0] = (struct rl_open_prefix){UINT64_MAX, value};
    begin_range(sweep, 0, value);
}

/* Closes the innermost prefix, which isn't the outermost. What follows it is the one around it.
 */
static void close_prefix(rl_sweep_t *sweep)
{
    const uint64_t last = sweep->open[--sweep->depth].last;
    if (last != UINT64_MAX) {
        begin_range(sweep, last + 1, sweep->open[sweep->depth - 1].value);
    }
}

uint32_t rl_sweep_to(rl_sweep_t *sweep, uint64_t address)
{
    while (sweep->open[sweep->depth - 1].last < address) {
        close_prefix(sweep);
    }
    return sweep->open[sweep->depth - 1].value;
}

void rl_sweep_add(rl_sweep_t *sweep, uint64_t address, unsigned bits, uint32_t value)
{
    const uint64_t last = address | (bits < 64 ? UINT64_MAX >> bits : 0);
    rl_sweep_to(sweep, address);
    sweep->open[sweep->depth++] = (struct rl_open_prefix){last, value};
    begin_range(sweep, address, value);
}

void rl_sweep_end(rl_sweep_t *sweep)
{
    while (sweep->depth > 1) {
        close_prefix(sweep);
    }
}
