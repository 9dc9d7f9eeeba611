/* See recovery.h. */
#include "cli/recovery.h"

#include "cli/cli.h"

#define RETRIES_MAX 100 /* what cairnd allows */

gboolean
recovery_options_set(json_t *arguments, const struct recovery_options *opt, GError **error)
{
	cli_set_text(arguments, "on-failure", opt->on_failure);
	cli_set_text(arguments, "recovery", opt->recovery);
	cli_set_text(arguments, "notify", opt->notify);
	return cli_set_count(arguments, "retries", opt->retries, RETRIES_MAX, error) &&
	       cli_set_span(arguments, "retry-delay", opt->retry_delay, error);
}
