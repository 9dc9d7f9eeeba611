/* cairn group. */
#include "cli/field.h"
#include "cli/themes.h"
#include "cli/wait.h"

#include <glib/gi18n.h>

static struct {
	char *id;
	gboolean force, no_wait;
} opt;

static char *
member_names(const json_t *group)
{
	g_autofree char *names = field_any(group, "members");
	return names ? g_steal_pointer(&names) : g_strdup("");
}

static void
add_row(struct table *table, const json_t *group)
{
	table_add(table, field_text(group, "name"));
	table_take(table, member_names(group));
	table_take(table, field_any(group, "points"));
	table_take(table, field_any(group, "latest"));
	table_take(table, field_any(group, "held"));
}

static int
group_list(struct cli *cli, char *const *args, GError **error)
{
	static const char *const headers[] = {N_("NAME"),   N_("MEMBERS"), N_(">POINTS"),
					      N_("LATEST"), N_("HELD"),	   NULL};
	return cli_list(cli, "group-list", NULL, headers, add_row,
			_("no groups; `cairn group create NAME VM...' makes one"), error);
}

static void
print_group(const json_t *group)
{
	static const char *const headers[] = {N_("MEMBER"), N_("STATE"), N_("ID"), NULL};
	cairn_auto(table) sheet = table_new_sheet();
	size_t i;
	json_t *member;
	table_pair(sheet, N_("group"), field_text(group, "name"));
	table_pair(sheet, N_("id"), field_text(group, "id"));
	table_pair_take(sheet, N_("created"), field_time(group, "created"));
	table_pair_take(sheet, N_("points"), field_any(group, "points"));
	table_pair_take(sheet, N_("latest"), field_any(group, "latest"));
	table_pair_take(sheet, N_("held"), field_any(group, "held"));
	cli_print_table(sheet, 0);
	cairn_auto(table) table = table_new(headers);
	json_array_foreach (field_array(group, "members"), i, member) {
		table_add(table, field_text(member, "name"));
		table_add(table, field_word(member, "state"));
		table_add(table, field_text(member, "id"));
	}
	cli_print_table(table, 2);
}

static int
group_show(struct cli *cli, char *const *args, GError **error)
{
	g_autoptr(json_t) group =
		cli_call(cli, "group-show", json_pack("{s:s}", "group", args[0]), error);
	if (!group)
		return CLI_FAILED;
	if (cli->json)
		cli_print_json(group);
	else
		print_group(group);
	return CLI_OK;
}

/* A request that gives the group back: the group as JSON, or one line of talk. @done is
 * the sentence before the members. */
static int
change(struct cli *cli, const char *request, json_t *arguments, const char *done, GError **error)
{
	g_autoptr(json_t) group = cli_call(cli, request, arguments, error);
	if (!group)
		return CLI_FAILED;
	g_autofree char *members = member_names(group);
	if (cli->json)
		cli_print_json(group);
	else
		cli_note(cli, _("%s: %s"), done, *members ? members : _("no members"));
	return CLI_OK;
}

static int
group_create(struct cli *cli, char *const *args, GError **error)
{
	json_t *arguments = json_pack("{s:s}", "name", args[0]);
	cli_set_text(arguments, "id", opt.id);
	if (args[1])
		cairn_json_set_strv(arguments, "members", args + 1);
	g_autofree char *done = g_strdup_printf(_("created group \"%s\""), args[0]);
	return change(cli, "group-create", arguments, done, error);
}

/* Several machines are several requests; the first that fails ends it and says what was done. */
static int
for_each_vm(struct cli *cli, const char *request, char *const *args, gboolean adds, GError **error)
{
	for (guint i = 1; args[i]; i++) {
		json_t *arguments = json_pack("{s:s, s:s}", "group", args[0], "vm", args[i]);
		g_autoptr(json_t) group = cli_call(cli, request, arguments, error);
		if (!group)
			return CLI_FAILED;
		if (cli->json && !args[i + 1])
			cli_print_json(group);
		else if (!cli->json)
			cli_note(cli, adds ? _("added \"%s\"") : _("removed \"%s\""), args[i]);
	}
	return CLI_OK;
}

static int
group_add(struct cli *cli, char *const *args, GError **error)
{
	return for_each_vm(cli, "group-add", args, TRUE, error);
}

static int
group_remove(struct cli *cli, char *const *args, GError **error)
{
	return for_each_vm(cli, "group-remove", args, FALSE, error);
}

static int
group_rename(struct cli *cli, char *const *args, GError **error)
{
	json_t *arguments = json_pack("{s:s, s:s}", "group", args[0], "name", args[1]);
	g_autofree char *done = g_strdup_printf(_("renamed group \"%s\""), args[1]);
	return change(cli, "group-rename", arguments, done, error);
}

static int
group_delete(struct cli *cli, char *const *args, GError **error)
{
	json_t *arguments = json_pack("{s:s}", "group", args[0]);
	if (opt.force)
		cairn_json_set_bool(arguments, "force", TRUE);
	g_autoptr(json_t) answer = cli_call(cli, "group-delete", arguments, error);
	if (!answer)
		return CLI_FAILED;
	if (field_text(answer, "job") && !opt.no_wait) {
		g_autoptr(json_t) jobs = NULL;
		int status = wait_for(cli, answer, &jobs, error);
		if (status != CLI_OK)
			return status;
	}
	if (cli->json)
		cli_print_json(answer);
	else
		cli_note(cli, _("deleted group \"%s\""), args[0]);
	return CLI_OK;
}

static const GOptionEntry create_options[] = {
	{"id", 0, 0, G_OPTION_ARG_STRING, &opt.id, N_("GUID to give the group"), "GUID"},
	G_OPTION_ENTRY_NULL,
};

static const GOptionEntry delete_options[] = {
	{"force", 'f', 0, G_OPTION_ARG_NONE, &opt.force, N_("Delete its points and schedules too"),
	 NULL},
	{"no-wait", 0, 0, G_OPTION_ARG_NONE, &opt.no_wait,
	 N_("Do not wait for the job that deletes the points"), NULL},
	G_OPTION_ENTRY_NULL,
};

const struct command group_commands[] = {
	{"group", "create", "NAME [VM]...", 1, COMMAND_ARGS_ANY, 0, N_("Make a group of machines"),
	 N_("A name has 1 to 64 letters, digits, '.', '_' or '-'. Machines can be added later."),
	 create_options, group_create},
	{"group", "list", "", 0, 0, COMMAND_READ, N_("List the groups"), NULL, NULL, group_list},
	{"group", "show", "GROUP", 1, 1, COMMAND_READ, N_("Show a group and its members"), NULL,
	 NULL, group_show},
	{"group", "add", "GROUP VM...", 2, COMMAND_ARGS_ANY, 0, N_("Add machines to a group"),
	 N_("The next point holds them too; their first export is a full one."), NULL, group_add},
	{"group", "remove", "GROUP VM...", 2, COMMAND_ARGS_ANY, 0,
	 N_("Take machines out of a group"), NULL, NULL, group_remove},
	{"group", "rename", "GROUP NAME", 2, 2, 0, N_("Give a group another name"), NULL, NULL,
	 group_rename},
	{"group", "delete", "GROUP", 1, 1, 0, N_("Forget a group"),
	 N_("Its points and schedules must be gone, unless --force is given. Exports stay."),
	 delete_options, group_delete},
	{0},
};
