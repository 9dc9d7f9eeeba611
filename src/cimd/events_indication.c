/* Indications: WMI's events (__InstanceCreationEvent ...) and CIM's (CIM_InstCreation ...), made of
 * an object as it was and as it is. */
#include "cimd/events_private.h"

#include "base/guid.h"
#include "base/timefmt.h"

#define SEVERITY_INFORMATION 2			 /* CIM_Indication.PerceivedSeverity */
#define FILETIME_EPOCH	     11644473600000000LL /* microseconds from 1601 to 1970 */

static const struct {
	const char *classes[EVENT_KINDS];
	const char *object; /* the property that carries the object */
	gboolean is_cim;    /* has what CIM_Indication has */
} families[] = {
	{{"__InstanceCreationEvent", "__InstanceModificationEvent", "__InstanceDeletionEvent"},
	 "TargetInstance",
	 FALSE},
	{{"CIM_InstCreation", "CIM_InstModification", "CIM_InstDeletion"}, "SourceInstance", TRUE},
};

gboolean
indication_classes(const struct cim_schema *schema, enum cim_namespace_id ns,
		   const struct cim_class *class, const struct cim_class *ret_classes[EVENT_KINDS])
{
	gboolean any = FALSE;
	for (guint family = 0; family < G_N_ELEMENTS(families) && !any; family++) {
		for (guint kind = 0; kind < EVENT_KINDS; kind++) {
			const struct cim_class *made =
				cim_schema_class(schema, ns, families[family].classes[kind]);
			gboolean fits = made && cim_class_isa(made, class);
			ret_classes[kind] = fits ? made : NULL;
			any |= fits;
		}
	}
	return any;
}

static void
set_cim(struct cim_instance *indication, const struct change *change,
	const struct cim_instance *object)
{
	cairn_auto(cim_path) path =
		cim_instance_path(object, change->events->host, cim_namespace_name(change->ns));
	g_autofree char *now = cairn_time_cim(g_get_real_time());
	cim_instance_set(indication, "IndicationTime", cim_datetime(now));
	cim_instance_set(indication, "PerceivedSeverity",
			 cim_uint(CIM_UINT16, SEVERITY_INFORMATION));
	cim_instance_set(indication, "SourceInstanceModelPath",
			 cim_string_take(cim_path_print(path)));
	cim_instance_set(indication, "SourceInstanceHost", cim_string(change->events->host));
}

static struct cim_instance *
make(const struct change *change, const struct cim_class *class, guint family)
{
	struct cim_instance *object = change->after ? change->after : change->before;
	struct cim_instance *indication = cim_instance_new(class);
	cim_instance_set(indication, families[family].object,
			 cim_embedded_take(cim_instance_ref(object)));
	if (change->kind == EVENT_MODIFICATION)
		cim_instance_set(indication, "PreviousInstance",
				 cim_embedded_take(cim_instance_ref(change->before)));
	if (families[family].is_cim)
		set_cim(indication, change, object);
	else
		cim_instance_set(
			indication, "TIME_CREATED",
			cim_uint(CIM_UINT64, (guint64)(g_get_real_time() + FILETIME_EPOCH) * 10));
	return indication;
}

static guint
family_of(const struct cim_class *class)
{
	return class->name[0] == '_' ? 0 : 1;
}

const struct cim_instance *
change_indication(struct change *change, const struct cim_class *class)
{
	guint family = family_of(class);
	if (!change->made[family])
		change->made[family] = make(change, class, family);
	return change->made[family];
}

void
change_clear(struct change *change)
{
	for (guint i = 0; i < G_N_ELEMENTS(change->made); i++)
		cim_instance_unref(change->made[i]);
}

static void
number(struct subscription *subscription, struct cim_instance *indication)
{
	g_autofree char *guid = cairn_guid_new();
	cim_instance_set(indication, "IndicationIdentifier",
			 cim_string_take(g_strconcat("Cairn:", guid, NULL)));
	cim_instance_set(indication, "SequenceContext", cim_string(subscription->sequence_context));
	cim_instance_set(indication, "SequenceNumber",
			 cim_sint(CIM_SINT64, (gint64)subscription->sequence++));
	if (subscription->filter_name)
		cim_instance_set(indication, "IndicationFilterName",
				 cim_string(subscription->filter_name));
}

static void
leave_listed(struct cim_instance *indication, const struct cim_property_list *list)
{
	const struct cim_class *class = indication->class;
	for (guint i = 0; i < class->property_count; i++) {
		const char *name = class->properties[i].name;
		if (!cim_property_list_has(list, name))
			cim_instance_set(indication, name, cim_null(CIM_TYPE_NONE, FALSE));
	}
}

struct cim_instance *
indication_for(struct subscription *subscription, const struct cim_instance *indication)
{
	const struct cim_property_list *list = subscription->query->list;
	guint family = family_of(indication->class);
	if (!families[family].is_cim && !list)
		return cim_instance_ref((struct cim_instance *)indication);
	struct cim_instance *own = cim_instance_copy(indication);
	if (families[family].is_cim)
		number(subscription, own);
	if (list)
		leave_listed(own, list);
	return own;
}
