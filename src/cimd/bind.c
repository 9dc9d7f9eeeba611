/* Bindings: instances made by tables, and the ways in which most properties get their values. */
#include "cimd/model_private.h"

#include "base/timefmt.h"

#include <string.h>

/* ---- values from JSON ---- */

static struct cim_value
number_value(const json_t *json, const struct cim_member *member)
{
	static const struct {
		enum cim_type type;
		gint64 min, max;
	} ranges[] = {
		{CIM_UINT8, 0, G_MAXUINT8},	      {CIM_UINT16, 0, G_MAXUINT16},
		{CIM_UINT32, 0, G_MAXUINT32},	      {CIM_UINT64, 0, G_MAXINT64},
		{CIM_SINT8, G_MININT8, G_MAXINT8},    {CIM_SINT16, G_MININT16, G_MAXINT16},
		{CIM_SINT32, G_MININT32, G_MAXINT32}, {CIM_SINT64, G_MININT64, G_MAXINT64},
	};
	json_int_t number = json_integer_value(json);
	for (guint i = 0; json_is_integer(json) && i < G_N_ELEMENTS(ranges); i++) {
		if (ranges[i].type != member->type || number < ranges[i].min ||
		    number > ranges[i].max)
			continue;
		return cim_type_is_unsigned(member->type) ? cim_uint(member->type, (guint64)number)
							  : cim_sint(member->type, number);
	}
	return cim_null(member->type, FALSE);
}

/* The control socket tells times in ISO 8601, but in CIM's own form among a job's properties. */
static struct cim_value
datetime_value(const char *text)
{
	gint64 usec;
	if (text && strlen(text) == 25 && (text[21] == '+' || text[21] == '-' || text[21] == ':'))
		return cim_datetime(text);
	if (!text || !cairn_time_from_iso(text, &usec, NULL))
		return cim_null(CIM_DATETIME, FALSE);
	g_autofree char *cim = cairn_time_cim(usec);
	return cim_datetime(cim);
}

static struct cim_value
scalar_value(const json_t *json, const struct cim_member *member)
{
	if (member->type == CIM_STRING && json_is_string(json))
		return cim_string(json_string_value(json));
	if (member->type == CIM_DATETIME && json_is_string(json))
		return datetime_value(json_string_value(json));
	if (member->type == CIM_BOOLEAN && json_is_boolean(json))
		return cim_boolean(json_is_true(json));
	return number_value(json, member);
}

struct cim_value
bind_value(const json_t *json, const struct cim_member *member)
{
	if (!json || json_is_null(json))
		return cim_null(member->type, member->is_array);
	if (!member->is_array)
		return scalar_value(json, member);
	if (!json_is_array(json))
		return cim_null(member->type, TRUE);
	struct cim_value array = cim_array(member->type, (guint)json_array_size(json));
	for (guint i = 0; i < array.count; i++)
		array.u.items[i] = scalar_value(json_array_get(json, i), member);
	return array;
}

/* ---- ways of binding ---- */

static struct cim_value
parse_constant(const struct cim_member *member, const char *text)
{
	struct cim_value value;
	gboolean ok = cim_value_parse(member->type, text, &value, NULL);
	g_assert(ok); /* our own tables */
	return value;
}

struct cim_value
bind_constant(const struct bind_source *source, const struct cim_member *member,
	      const char *argument)
{
	if (!member->is_array)
		return parse_constant(member, argument);
	g_auto(GStrv) parts = g_strsplit(argument, "|", -1);
	struct cim_value array = cim_array(member->type, g_strv_length(parts));
	for (guint i = 0; i < array.count; i++)
		array.u.items[i] = parse_constant(member, parts[i]);
	return array;
}

struct cim_value
bind_json(const struct bind_source *source, const struct cim_member *member, const char *argument)
{
	return bind_value(json_object_get(source->json, argument), member);
}

struct cim_value
bind_part(const struct bind_source *source, const struct cim_member *member, const char *argument)
{
	return bind_value(json_object_get(source->part, argument), member);
}

struct cim_value
bind_unset(const struct bind_source *source, const struct cim_member *member, const char *argument)
{
	return cim_null(member->type, member->is_array);
}

struct cim_value
bind_host(const struct bind_source *source, const struct cim_member *member, const char *argument)
{
	return cim_string(source->model->host);
}

struct cim_value
bind_text(const struct bind_source *source, const struct cim_member *member, const char *argument)
{
	return cim_string(source->text);
}

struct cim_value
bind_class_name(const struct bind_source *source, const struct cim_member *member,
		const char *argument)
{
	return cim_string(source->class_name);
}

const struct bind_property bind_well[] = {
	{"OperationalStatus", bind_constant, "2"}, {"StatusDescriptions", bind_constant, "OK"},
	{"Status", bind_constant, "OK"},	   {"HealthState", bind_constant, "5"},
	{"PrimaryStatus", bind_constant, "1"},	   {0},
};

const struct bind_property bind_enabled[] = {
	{"EnabledState", bind_constant, "2"},
	{"RequestedState", bind_constant, "12"},
	{"EnabledDefault", bind_constant, "2"},
	{"TransitioningToState", bind_constant, "12"},
	{0},
};

/* ---- instances ---- */

const struct bind_property *
bind_find(const struct bind_class *bind, const char *property)
{
	for (guint i = 0; i < BIND_PARTS && bind->parts[i]; i++)
		for (const struct bind_property *row = bind->parts[i]; row->name; row++)
			if (g_ascii_strcasecmp(row->name, property) == 0)
				return row;
	return NULL;
}

/* A class's bindings in the order of its properties: found once, used for each job. */
struct plan {
	const struct cim_class *class;
	const struct bind_property **rows; /* of class->properties; NULL: unset */
};

static struct plan *
plan_new(const struct model *model, const struct bind_class *bind)
{
	struct plan *plan = g_new0(struct plan, 1);
	plan->class = model_class(model, bind->name);
	if (!plan->class)
		return plan;
	plan->rows = g_new0(const struct bind_property *, plan->class->property_count);
	for (guint i = 0; i < plan->class->property_count; i++)
		plan->rows[i] = bind_find(bind, plan->class->properties[i].name);
	return plan;
}

void
bind_plan_free(void *data)
{
	struct plan *plan = data;
	g_free(plan->rows);
	g_free(plan);
}

struct cim_instance *
bind_build(const struct bind_class *bind, const struct bind_source *source)
{
	struct plan *plan = g_hash_table_lookup(source->model->plans, bind);
	if (!plan) {
		plan = plan_new(source->model, bind);
		g_hash_table_insert(source->model->plans, (void *)bind, plan);
	}
	if (!plan->class)
		return NULL;
	struct bind_source named = *source;
	named.class_name = plan->class->name;
	struct cim_instance *instance = cim_instance_new(plan->class);
	for (guint i = 0; i < plan->class->property_count; i++) {
		const struct cim_member *member = &plan->class->properties[i];
		const struct bind_property *row = plan->rows[i];
		if (!row)
			continue;
		instance->values[i] = row->get(&named, member, row->argument);
		g_assert(instance->values[i].type == member->type);
	}
	return instance;
}

const struct bind_class *const bind_classes[] = {
	&bind_system,
	&bind_host_system,
	&bind_settings,
	&bind_drive,
	&bind_disk,
	&bind_group,
	&bind_point,
	&bind_member,
	&bind_export_job,
	&bind_concrete_job,
	&bind_group_service,
	&bind_point_service,
	&bind_member_service,
	&bind_group_snapshot_service,
	&bind_snapshot_service,
	&bind_profile,
	&bind_namespace,
	&bind_cim_namespace,
	&bind_server_namespace,
	&bind_object_manager,
	&bind_indication_service,
	NULL,
};
