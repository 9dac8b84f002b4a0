/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "../config/config.h"
#include "../process/busy.h"
#include "../process/runtime.h"
#include "../system/clock.h"
#include "gathering.h"

static const char *decimal(apr_pool_t *pool, uint32_t hundredths, bool percent)
{
    return apr_psprintf(pool, "%u.%02u%s", hundredths / 100, hundredths % 100,
                        percent ? "%" : "");
}

static const char *describe_measure(apr_pool_t *pool, const rl_measure_row_t *row)
{
    return apr_pstrcat(pool, row->name, " ",
                       row->known ? decimal(pool, row->value, row->percent) : "not known",
                       ", busy from ", decimal(pool, row->high, row->percent), " until below ",
                       decimal(pool, row->low, row->percent), NULL);
}

static rl_measure_row_t measure_row(const rl_busy_limits_t *limits, rl_busy_measure_e measure)
{
    const uint32_t value = atomic_load(&rl_runtime()->busy->value[measure]);
    return (rl_measure_row_t){.name = rl_busy_measure_name(measure),
                              .percent = rl_busy_measure_is_percent(measure),
                              .known = value != RL_BUSY_UNKNOWN,
                              .value = value,
                              .high = limits->high[measure],
                              .low = limits->low[measure]};
}

void rl_gather_busy(apr_pool_t *pool, rl_report_t *report)
{
    const rl_busy_limits_t *limits = rl_global_config()->busy;
    rl_measure_row_t *rows = apr_pcalloc(pool, RL_BUSY_MEASURES * sizeof(*rows));
    report->busy = rl_busy_now();
    report->busy_text = "";
    report->measures = rows;
    if (limits == NULL) {
        return;
    }
    if (report->busy) {
        const int64_t us = rl_clock_now() - atomic_load(&rl_runtime()->busy->since_us);
        report->busy_s = (uint32_t)(us / RL_USEC_PER_SEC);
    }
    for (int i = 0; i < RL_BUSY_MEASURES; i++) {
        if (limits->high[i] > 0) {
            rl_measure_row_t *row = &rows[report->nmeasures++];
            *row = measure_row(limits, (rl_busy_measure_e)i);
            report->busy_text =
                apr_pstrcat(pool, report->busy_text, report->nmeasures > 1 ? "; " : "",
                            describe_measure(pool, row), NULL);
        }
    }
}
