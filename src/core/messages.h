/* The catalogue of what can go wrong with a job: CIM_Error's MessageID, kind, cause, severity and
 * what a person can do, for each text that cairn's errors have. cairn-messages(7) is made of it. A
 * text finds its row by the pattern it was printed from, so that who makes an error need not know
 * the catalogue. Rows are in messages_rows.c. */
#pragma once

#include "base/error.h"

#include <glib.h>

#define MESSAGE_ID_LEN	    9 /* "CAIRN0123" */
#define MESSAGE_ACTIONS_MAX 3

/* What several rows have in common. */
struct message_remedy {
	guint type;		/* CIM_Error.ErrorType */
	guint cause;		/* CIM_Error.ProbableCause */
	guint severity;		/* CIM_Error.PerceivedSeverity: 2 information to 7 fatal */
	const char *cause_text; /* ProbableCauseDescription */
	const char *actions[MESSAGE_ACTIONS_MAX + 1]; /* RecommendedActions */
};

enum message_remedy_id {
	REMEDY_REQUEST,
	REMEDY_NAME,
	REMEDY_EXISTS,
	REMEDY_STATE,
	REMEDY_BUSY,
	REMEDY_RIGHTS,
	REMEDY_SPACE,
	REMEDY_PEER,
	REMEDY_DISK,
	REMEDY_ASKED,
	REMEDY_FIRST_JOB,
	REMEDY_GONE,
	REMEDY_OTHER_POINT,
	REMEDY_MEMBERS,
	REMEDY_AGENT,
	REMEDY_SLOW,
	REMEDY_HOST,
	REMEDY_MOVING,
	REMEDY_STARTED,
	REMEDY_SCRATCH,
	REMEDY_UNTRACKED,
	REMEDY_ROOT,
	REMEDY_BASE,
	REMEDY_NBD,
	REMEDY_NBD_SETUP,
	REMEDY_PORTS,
	REMEDY_DAMAGED,
	REMEDY_PROGRAM,
	REMEDY_RESTARTED,
	REMEDY_RETENTION,
	REMEDY_LAST,
};

struct message_row {
	guint number; /* of its MessageID; never used again for another text */
	enum cairn_error_code code;
	enum message_remedy_id remedy;
	gboolean is_file;    /* ": " and the words of the system follow, and may change the code */
	const char *pattern; /* as it stands in the sources; NULL: any other text of that code */
};

/* All, by their numbers. */
const struct message_row *message_rows(guint *ret_n);
/* Never NULL. *@ret_arguments: what stood in the place of the pattern's %s and %u; free it with
 * g_strfreev(). */
const struct message_row *message_find(int code, const char *text, char ***ret_arguments);
/* For an error of @code, which of a file's error can be another than the row's. */
const struct message_remedy *message_remedy(const struct message_row *row, int code);
/* Fills @buffer of MESSAGE_ID_LEN + 1 bytes. */
void message_id(const struct message_row *row, char *buffer);
