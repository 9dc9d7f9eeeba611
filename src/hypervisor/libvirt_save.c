/* Configuration and guest state: XML, UEFI variables, TPM. Guests are paused meanwhile, so nothing
 * is synced here; the files are small. */
#include "hypervisor/libvirt.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DIR, closedir)

/* The largest variable store in use is 64 MiB flash; a TPM's state is a few ten kilobytes. */
#define STATE_FILE_MAX (64 * 1024 * 1024)
#define STATE_FILES    64

/* Secrets (SECURE) are in it: what the machine needs to be defined again. */
#define SECRET_MODE 0600

static gboolean
write_file(const char *dir, const char *name, const void *data, gsize len, GError **error)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);
	CAIRN_AUTO_FD int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, SECRET_MODE);
	if (fd < 0) {
		cairn_set_errno(error, errno, "cannot create \"%s\"", path);
		return FALSE;
	}
	return cairn_write_all(fd, data, len, path, error);
}

static gboolean
save_xml(virDomainPtr dom, const char *dir, const char *name, guint flags, GError **error)
{
	g_autofree char *xml = virDomainGetXMLDesc(dom, flags);
	if (!xml)
		return lv_fail(error, "cannot read the machine's XML");
	return write_file(dir, name, xml, strlen(xml), error);
}

static gboolean
copy_file(const char *from, const char *dir, const char *name, GPtrArray *files, GError **error)
{
	g_autofree char *data = NULL;
	gsize len;
	if (files->len >= STATE_FILES) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT,
			    "the guest's state has more than %d files", STATE_FILES);
		return FALSE;
	}
	if (!cairn_file_read(from, STATE_FILE_MAX, &data, &len, error) ||
	    !write_file(dir, name, data, len, error))
		return FALSE;
	g_ptr_array_add(files, g_strdup(name));
	return TRUE;
}

static gboolean
copy_folder(const char *from, const char *dir, const char *below, GPtrArray *files, GError **error)
{
	g_autoptr(DIR) list = opendir(from);
	g_autofree char *target = g_build_filename(dir, below, NULL);
	if (!list || g_mkdir_with_parents(target, 0700) < 0) {
		cairn_set_errno(error, errno, "cannot copy the folder \"%s\"", from);
		return FALSE;
	}
	const struct dirent *entry;
	while ((entry = readdir(list))) {
		g_autofree char *path = g_build_filename(from, entry->d_name, NULL);
		g_autofree char *name = g_build_filename(below, entry->d_name, NULL);
		struct stat st;
		if (entry->d_name[0] == '.' || lstat(path, &st) < 0)
			continue;
		gboolean ok = TRUE;
		if (S_ISDIR(st.st_mode) && strchr(below, '/') == NULL)
			ok = copy_folder(path, dir, name, files, error);
		else if (S_ISREG(st.st_mode) && !g_str_equal(entry->d_name, "tpm2-00.lock"))
			ok = copy_file(path, dir, name, files, error);
		if (!ok)
			return FALSE;
	}
	return TRUE;
}

/* libvirt keeps each machine's TPM in a folder of its UUID, in lower case (qemu_tpm.c); "tpm2" or
 * "tpm1.2" is below it. */
static char *
tpm_folder(struct lv *lv, const char *vm)
{
	g_autofree char *uuid = g_ascii_strdown(vm, -1);
	if (lv->root)
		return g_build_filename(lv->root, "lib", "swtpm", uuid, NULL);
	if (strstr(lv->uri, "/session"))
		return g_build_filename(g_get_user_config_dir(), "libvirt", "qemu", "lib", "swtpm",
					uuid, NULL);
	return g_build_filename("/var/lib/libvirt/swtpm", uuid, NULL);
}

static gboolean
save_guest_state(struct lv *lv, virDomainPtr dom, const char *vm, const char *dir, GPtrArray *files,
		 GError **error)
{
	g_autofree char *xml = virDomainGetXMLDesc(dom, 0);
	if (!xml)
		return lv_fail(error, "cannot read the machine's XML");
	g_autofree char *nvram = lv_nvram_path(xml);
	g_autofree char *tpm = tpm_folder(lv, vm);
	/* Neither exists before the machine ran for the first time. */
	if (nvram && access(nvram, F_OK) == 0 && !copy_file(nvram, dir, "nvram.fd", files, error))
		return FALSE;
	return !lv_has_tpm(xml) || access(tpm, F_OK) < 0 ||
	       copy_folder(tpm, dir, "tpm", files, error);
}

/* ---- what the guest says of itself ---- */

static json_t *
param_value(const virTypedParameter *param)
{
	switch (param->type) {
	case VIR_TYPED_PARAM_INT:
		return json_integer(param->value.i);
	case VIR_TYPED_PARAM_UINT:
		return json_integer(param->value.ui);
	case VIR_TYPED_PARAM_LLONG:
		return json_integer(param->value.l);
	case VIR_TYPED_PARAM_ULLONG:
		return json_integer((json_int_t)MIN(param->value.ul, JSON_MAX_UINT));
	case VIR_TYPED_PARAM_DOUBLE:
		return json_real(param->value.d);
	case VIR_TYPED_PARAM_BOOLEAN:
		return json_boolean(param->value.b);
	default:
		return NULL;
	}
}

/* guest.json: host name, system, time zone, file systems, users, as virDomainGetGuestInfo() names
 * them. Only a running guest with an agent can say; one that does not answer is no error. */
static gboolean
save_guest_facts(virDomainPtr dom, const char *dir, GError **error)
{
	virTypedParameterPtr params = NULL;
	int n = 0, state;
	if (virDomainGetState(dom, &state, NULL, 0) < 0 || state != VIR_DOMAIN_RUNNING ||
	    virDomainGetGuestInfo(dom, 0, &params, &n, 0) < 0)
		return TRUE;
	g_autoptr(json_t) facts = json_object();
	for (int i = 0; i < n; i++) {
		json_t *value = param_value(&params[i]);
		if (value)
			cairn_json_set(facts, params[i].field, value);
		else if (params[i].type == VIR_TYPED_PARAM_STRING)
			cairn_json_set_string(facts, params[i].field, params[i].value.s);
	}
	virTypedParamsFree(params, n);
	g_autofree char *text = cairn_json_pretty(facts);
	return write_file(dir, "guest.json", text, strlen(text), error);
}

gboolean
lv_save_state(void *self, const char *vm, const char *dir, char ***ret_files, GError **error)
{
	struct lv *lv = self;
	g_autoptr(virDomain) dom = lv_domain(lv, vm, error);
	if (!dom)
		return FALSE;
	g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
	guint inactive = VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE;
	if (!save_xml(dom, dir, "config.xml", inactive, error))
		return FALSE;
	if (virDomainIsActive(dom) == 1 && !save_xml(dom, dir, "live.xml", 0, error))
		return FALSE;
	if (!save_guest_facts(dom, dir, error))
		return FALSE;
	if (lv->local && !save_guest_state(lv, dom, vm, dir, files, error))
		return FALSE;
	g_ptr_array_add(files, NULL);
	*ret_files = (char **)g_ptr_array_free(g_steal_pointer(&files), FALSE);
	return TRUE;
}
