/* Prints cairn-messages(7), in mdoc, from the catalogue of errors; with --list its rows for
 * tests/check/messages: number, class, "file" or "-", pattern. Runs while cairn is built. */
#include "core/job_status.h"
#include "core/messages.h"

#include <stdio.h>
#include <string.h>

static const char head[] =
	".Dd November 28, 2026\n.Dt CAIRN-MESSAGES 7\n.Os\n.Sh NAME\n.Nm cairn-messages\n"
	".Nd what can go wrong with a job of cairn, and what to do\n.Sh DESCRIPTION\n"
	"Each error of a job has an identifier that stays the same in all versions and languages: "
	"the\n"
	".Li MessageID\nof\n.Li Msvm_Error ,\nwhich\n.Li GetError\nand\n.Li GetErrorEx\n"
	"give, and what\n.Ic cairn job errors\nshows.\n"
	"In the texts below the dots stand for what differs; it is in\n.Li MessageArguments .\n"
	"The first error of a job is the one that made it fail; others follow, one for each "
	"machine\n"
	"and disk.\n.Pp\nWhere the words of the system follow, "
	"no space left and no permission have causes and remedies\nof their own: those of "
	"CAIRN0007 and CAIRN0006.\n";

static const char tail[] = ".Sh SEE ALSO\n.Xr cairn 1 ,\n.Xr cairn-cim 7 ,\n.Xr cairn-job 7 ,\n.Xr "
			   "cairn-cimd 8 ,\n.Xr cairnd 8\n";

/* What mdoc would take for its own is kept from it. */
static void
print_text(const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", stdout);
	for (const char *at = text; *at; at++)
		if (*at == '\\')
			fputs("\\e", stdout);
		else if (*at == '-')
			fputs("\\-", stdout);
		else
			putchar(*at);
}

static void
print_pattern(const char *pattern)
{
	g_autoptr(GString) text = g_string_new(NULL);
	for (const char *at = pattern; *at; at++) {
		if (*at != '%') {
			g_string_append_c(text, *at);
			continue;
		}
		at++;
		while (strchr("lz", *at))
			at++;
		g_string_append(text, "...");
	}
	print_text(text->str);
}

static void
print_row(const struct message_row *row)
{
	const struct message_remedy *remedy = message_remedy(row, (int)row->code);
	char id[MESSAGE_ID_LEN + 1];
	message_id(row, id);
	printf(".It %s\n", id);
	if (row->pattern)
		print_pattern(row->pattern);
	else
		printf("Any other error of the class %s.", cairn_error_class((int)row->code));
	if (row->is_file)
		fputs(": the words of the system", stdout);
	printf("\n.br\nErrorCode %u, ErrorType %u, ProbableCause %u, PerceivedSeverity %u.\n",
	       cairn_error_job_code((int)row->code), remedy->type, remedy->cause, remedy->severity);
	print_text(remedy->cause_text);
	putchar('\n');
	for (guint i = 0; remedy->actions[i]; i++) {
		fputs(".br\n", stdout);
		print_text(remedy->actions[i]);
		putchar('\n');
	}
}

static void
print_page(const struct message_row *rows, guint n)
{
	static const struct {
		guint first;
		const char *title;
	} sections[] = {
		{1, "ANY OTHER ERROR"},	     {101, "THE JOB ITSELF"},
		{201, "MACHINES AND HOSTS"}, {301, "QEMU AND ITS SERVERS"},
		{401, "FOLDERS AND FILES"},  {501, "COPIES"},
		{601, "CHAINS OF EXPORTS"},  {701, "RETENTION"},
	};
	guint section = 0;
	fputs(head, stdout);
	for (guint i = 0; i < n; i++) {
		if (section < G_N_ELEMENTS(sections) && rows[i].number >= sections[section].first)
			printf("%s.Sh %s\n.Bl -tag -width Ds\n", section ? ".El\n" : "",
			       sections[section].title),
				section++;
		print_row(&rows[i]);
	}
	printf(".El\n%s", tail);
}

int
main(int argc, char **argv)
{
	guint n;
	const struct message_row *rows = message_rows(&n);
	if (argc < 2) {
		print_page(rows, n);
		return 0;
	}
	for (guint i = 0; i < n; i++)
		printf("%u\t%s\t%s\t%s\n", rows[i].number, cairn_error_class((int)rows[i].code),
		       rows[i].is_file ? "file" : "-", rows[i].pattern ? rows[i].pattern : "");
	return 0;
}
