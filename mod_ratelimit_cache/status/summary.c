/* SPDX-License-Identifier: Apache-2.0 */
#include "summary.h"

#include <apr_optional_hooks.h>
#include <http_protocol.h>
#include <mod_status.h>

#include "gather.h"
#include "text/summary_text.h"

static void take_summary(void *context, const char *bytes, size_t len)
{
    ap_rwrite(bytes, (int)len, context);
}

static int add_summary(request_rec *r, int flags)
{
    rl_report_t report;
    rl_output_t out;
    rl_report_gather(r, RL_GATHER_MERGED, &report);
    rl_output_begin(&out, take_summary, r);
    if ((flags & AP_STATUS_SHORT) != 0) {
        rl_summary_write_short(&out, &report);
    }
    else {
        rl_summary_write_html(&out, &report);
    }
    rl_output_end(&out);
    return OK;
}

void rl_summary_register(void)
{
    APR_OPTIONAL_HOOK(ap, status_hook, add_summary, NULL, NULL, APR_HOOK_MIDDLE);
}
