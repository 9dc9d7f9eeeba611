/* Prints the table of requests for tests/check/manual: a request and its arguments on a line, then
 * the events. */
#include "control/requests.h"

#include <stdio.h>

int
main(void)
{
	for (const struct request *request = requests; request->name; request++) {
		fputs(request->name, stdout);
		for (guint i = 0; i < G_N_ELEMENTS(request->args) && request->args[i].name; i++)
			printf(" %s", request->args[i].name);
		putchar('\n');
	}
	for (const struct control_event_word *event = control_events; event->name; event++)
		puts(event->name);
	return 0;
}
