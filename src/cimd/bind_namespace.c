/* What the server tells about itself: namespaces, the object manager, the profile. Clients look
 * here first, before they know what there is. */
#include "cimd/model_private.h"

#include <string.h>

/* ---- namespaces: three classes say the same ---- */

static const struct bind_property namespace_rows[] = {
	{"Name", bind_text, NULL},
	{0},
};
const struct bind_class bind_namespace = {"__Namespace", {namespace_rows}};

static const struct bind_property cim_namespace_rows[] = {
	{"SystemCreationClassName", bind_constant, "Msvm_ComputerSystem"},
	{"SystemName", bind_host, NULL},
	{"ObjectManagerCreationClassName", bind_constant, "CIM_ObjectManager"},
	{"ObjectManagerName", bind_constant, "cairn-cimd"},
	{"CreationClassName", bind_class_name, NULL},
	{"Name", bind_text, NULL},
	{"ElementName", bind_text, NULL},
	{"Caption", bind_constant, "Namespace"},
	{"Description", bind_constant, "A namespace of this server"},
	{"ClassInfo", bind_constant, "1"},
	{"ClassType", bind_constant, "2"},
	{"ClassTypeVersion", bind_constant, "2.43.0"},
	{0},
};
const struct bind_class bind_cim_namespace = {"CIM_Namespace", {cim_namespace_rows}};

static struct cim_value
namespace_id(const struct bind_source *source, const struct cim_member *member,
	     const char *argument)
{
	return cim_string_take(g_strconcat("Cairn:", source->text, NULL));
}

static const struct bind_property server_namespace_rows[] = {
	{"InstanceID", namespace_id, NULL},
	{"Name", bind_text, NULL},
	{"ElementName", bind_text, NULL},
	{"Caption", bind_constant, "Namespace"},
	{"Description", bind_constant, "A namespace of this server"},
	{0},
};
const struct bind_class bind_server_namespace = {"CIM_WBEMServerNamespace",
						 {server_namespace_rows}};

static const struct bind_class *const namespace_classes[] = {
	&bind_namespace,
	&bind_cim_namespace,
	&bind_server_namespace,
};

/* The part of @name that follows @above and a slash, up to the next slash; NULL if it is not below.
 */
static char *
child_of(const char *above, const char *name)
{
	gsize len = strlen(above);
	if (g_ascii_strncasecmp(name, above, len) != 0 || name[len] != '/')
		return NULL;
	return g_strndup(name + len + 1, strcspn(name + len + 1, "/"));
}

/* root/virtualization and root/virtualization/v2 have the same child "virtualization" of root. */
static gboolean
is_first_child(enum cim_namespace_id above, guint which)
{
	const char *parent = cim_namespace_name(above);
	g_autofree char *child = child_of(parent, cim_namespace_name(which));
	for (guint i = 0; child && i < which; i++) {
		g_autofree char *other = child_of(parent, cim_namespace_name(i));
		if (other && g_ascii_strcasecmp(child, other) == 0)
			return FALSE;
	}
	return child != NULL;
}

/* object.which: class of namespace_classes, then the namespace. */
static void
list_namespaces(const struct model *model, enum cim_namespace_id ns, GArray *ret)
{
	for (guint i = 0; i < G_N_ELEMENTS(namespace_classes) * CIM_NS_LAST; i++) {
		struct object object = {.type = OBJECT_NAMESPACE, .which = i};
		if (i >= CIM_NS_LAST || is_first_child(ns, i))
			g_array_append_val(ret, object);
	}
}

static struct cim_instance *
namespace_instance(const struct model *model, enum cim_namespace_id ns, const struct object *object)
{
	const struct bind_class *bind = namespace_classes[object->which / CIM_NS_LAST];
	const char *name = cim_namespace_name(object->which % CIM_NS_LAST);
	g_autofree char *child =
		bind == &bind_namespace ? child_of(cim_namespace_name(ns), name) : NULL;
	if (bind == &bind_namespace && !child)
		return NULL;
	return bind_build(bind,
			  &(struct bind_source){.model = model, .text = child ? child : name});
}

const struct object_driver namespace_driver = {
	.classes = {"__Namespace", "CIM_Namespace", "CIM_WBEMServerNamespace"},
	.list = list_namespaces,
	.instance = namespace_instance,
};

/* ---- the server ---- */

static const struct bind_property manager_rows[] = {
	{"SystemCreationClassName", bind_constant, "Msvm_ComputerSystem"},
	{"SystemName", bind_host, NULL},
	{"CreationClassName", bind_class_name, NULL},
	{"Name", bind_constant, "cairn-cimd"},
	{"StartMode", bind_constant, "Automatic"},
	{"Started", bind_constant, "TRUE"},
	{0},
};

/* Clients look for "version" and a number to know whom they talk to. */
static const struct bind_property object_manager_rows[] = {
	{"ElementName", bind_constant, "cairn-cimd"},
	{"Caption", bind_constant, "CIM server"},
	{"Description", bind_constant, "cairn-cimd version " CAIRN_VERSION},
	{"GatherStatisticalData", bind_constant, "FALSE"},
	{0},
};
const struct bind_class bind_object_manager = {
	"CIM_ObjectManager",
	{object_manager_rows, manager_rows, bind_well, bind_enabled},
};

static const struct bind_property indication_rows[] = {
	{"ElementName", bind_constant, "Events"},
	{"Caption", bind_constant, "Events"},
	{"Description", bind_constant, "Sends events to those who subscribed"},
	{"FilterCreationEnabled", bind_constant, "TRUE"},
	{"DeliveryRetryAttempts", bind_constant, "3"},
	{"DeliveryRetryInterval", bind_constant, "30"},
	{"SubscriptionRemovalAction", bind_constant, "2"},
	{"SubscriptionRemovalTimeInterval", bind_constant, "3600"},
	{0},
};
const struct bind_class bind_indication_service = {
	"CIM_IndicationService",
	{indication_rows, manager_rows, bind_well, bind_enabled},
};

static const struct bind_class *const managers[] = {
	&bind_object_manager,
	&bind_indication_service,
};

static void
list_managers(const struct model *model, enum cim_namespace_id ns, GArray *ret)
{
	for (guint i = 0; i < G_N_ELEMENTS(managers); i++) {
		struct object object = {.type = OBJECT_MANAGER, .which = i};
		g_array_append_val(ret, object);
	}
}

static struct cim_instance *
manager_instance(const struct model *model, enum cim_namespace_id ns, const struct object *object)
{
	return bind_build(managers[object->which], &(struct bind_source){.model = model});
}

const struct object_driver manager_driver = {
	.classes = {"CIM_ObjectManager", "CIM_IndicationService"},
	.list = list_managers,
	.instance = manager_instance,
};

/* ---- the profile ---- */

static const struct bind_property profile_rows[] = {
	{"InstanceID", bind_constant, "Cairn:DSP1042"},
	{"Caption", bind_constant, "System Virtualization Profile"},
	{"Description", bind_constant,
	 "Virtual systems on a host (DSP1042), as far as cairn has them"},
	{"ElementName", bind_constant, "System Virtualization Profile"},
	{"RegisteredOrganization", bind_constant, "2"}, /* DMTF */
	{"RegisteredName", bind_constant, "System Virtualization"},
	{"RegisteredVersion", bind_constant, "1.0.0"},
	{"AdvertiseTypes", bind_constant, "2"}, /* Not Advertised */
	{0},
};
const struct bind_class bind_profile = {"Msvm_RegisteredProfile", {profile_rows}};

static void
list_profiles(const struct model *model, enum cim_namespace_id ns, GArray *ret)
{
	struct object object = {.type = OBJECT_PROFILE};
	g_array_append_val(ret, object);
}

static struct cim_instance *
profile_instance(const struct model *model, enum cim_namespace_id ns, const struct object *object)
{
	return bind_build(&bind_profile, &(struct bind_source){.model = model});
}

const struct object_driver profile_driver = {
	.classes = {"Msvm_RegisteredProfile"},
	.list = list_profiles,
	.instance = profile_instance,
};
