/* The libvirt driver without libvirtd: `test_embed ROOT KERNEL INITRD` starts a guest under
 * qemu:///embed?root=ROOT in this process and takes two points of it. The connection is closed and
 * opened again in between, as when the daemon is restarted while data is held. */
#include "base/guid.h"
#include "hypervisor/hypervisor.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <sys/stat.h>

static const char *root, *kernel, *initrd;

static struct hypervisor *
open_it(void)
{
	g_autofree char *uri = g_strdup_printf("qemu:///embed?root=%s/libvirt", root);
	g_autoptr(GError) error = NULL;
	struct hypervisor *hv = hypervisor_open(uri, &error);
	g_assert_no_error(error);
	return hv;
}

/* No virtlogd, no cgroups, as in the lab. */
static void
configure(void)
{
	g_autofree char *folder = g_strdup_printf("%s/libvirt/etc", root);
	g_autofree char *path = g_strdup_printf("%s/qemu.conf", folder);
	g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
	g_assert_true(g_file_set_contents(path,
					  "stdio_handler = \"file\"\nsecurity_driver = \"none\"\n"
					  "cgroup_controllers = [ ]\nnamespaces = [ ]\n",
					  -1, NULL));
}

/* Done by another connection of this process, as another program would. */
static virDomainPtr
start_guest(virConnectPtr conn)
{
	g_autofree char *disk = g_strdup_printf("%s/vda.qcow2", root);
	char *argv[] = {"qemu-img", "create", "-q", "-f", "qcow2", disk, "16M", NULL};
	int status = -1;
	g_assert_true(g_spawn_sync(NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL,
				   &status, NULL));
	g_assert_cmpint(status, ==, 0);
	g_autofree char *xml = g_strdup_printf(
		"<domain type='qemu'><name>embedded</name><memory unit='MiB'>128</memory>"
		"<vcpu>1</vcpu><os><type arch='x86_64' machine='pc'>hvm</type><kernel>%s</kernel>"
		"<initrd>%s</initrd></os><devices>"
		"<emulator>/usr/bin/qemu-system-x86_64</emulator>"
		"<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>"
		"<source file='%s'/><target dev='vda' bus='virtio'/></disk>"
		"<memballoon model='none'/></devices></domain>",
		kernel, initrd, disk);
	virDomainPtr dom = virDomainDefineXML(conn, xml);
	g_assert_nonnull(dom);
	if (virDomainCreate(dom) < 0)
		g_error("%s", virGetLastErrorMessage());
	return dom;
}

static struct hv_point *
take(struct hypervisor *hv, const char *base)
{
	g_autoptr(GError) error = NULL;
	cairn_auto(hv_vm) vm = hypervisor_lookup(hv, "embedded", &error);
	g_assert_no_error(error);
	g_assert_cmpint(vm->state, ==, HV_RUNNING);
	g_autofree char *guid = cairn_guid_new();
	g_autofree char *name = g_strconcat(HV_OURS, guid, NULL);
	g_autofree char *socket = g_strdup_printf("%s/points/s", root);
	g_autofree char *scratch = g_strdup_printf("%s/points/%s.vda", root, name);
	struct hv_point *point = hv_point_new(vm->uuid, name, socket);
	hv_point_add(point, "vda", base, scratch, 16 << 20);
	hypervisor_prepare(hv, point, 5, &error);
	g_assert_no_error(error);
	hypervisor_suspend(hv, vm->uuid, &error);
	g_assert_no_error(error);
	hypervisor_begin(hv, point, &error);
	g_assert_no_error(error);
	hypervisor_resume(hv, vm->uuid, &error);
	g_assert_no_error(error);
	return point;
}

static void
finish(struct hypervisor *hv, const struct hv_point *point, gboolean forget)
{
	g_autoptr(GError) error = NULL;
	hypervisor_serve(hv, point, &error);
	g_assert_no_error(error);
	hypervisor_end(hv, point, &error);
	g_assert_no_error(error);
	if (forget)
		hypervisor_forget(hv, point->vm, point->name, &error);
	g_assert_no_error(error);
}

static void
test_embed(void)
{
	configure();
	struct hypervisor *hv = open_it();
	g_autofree char *uri = g_strdup_printf("qemu:///embed?root=%s/libvirt", root);
	virConnectPtr conn = virConnectOpen(uri);
	g_assert_nonnull(conn);
	virDomainPtr dom = start_guest(conn);
	cairn_auto(hv_point) first = take(hv, NULL);
	hypervisor_close(hv);
	hv = open_it();
	finish(hv, first, FALSE);
	cairn_auto(hv_point) second = take(hv, first->name);
	finish(hv, second, TRUE);
	g_autoptr(GError) error = NULL;
	hypervisor_forget(hv, first->vm, first->name, &error);
	g_assert_no_error(error);
	cairn_auto(hv_vm) vm = hypervisor_lookup(hv, "embedded", &error);
	g_assert_no_error(error);
	g_assert_cmpuint(vm->points->len, ==, 0);
	g_assert_cmpint(vm->state, ==, HV_RUNNING);
	g_assert_cmpint(virDomainDestroy(dom), ==, 0);
	virDomainFree(dom);
	virConnectClose(conn);
	hypervisor_close(hv);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	if (argc != 4)
		return 77;
	root = argv[1];
	kernel = argv[2];
	initrd = argv[3];
	g_test_add_func("/hypervisor/embed", test_embed);
	return g_test_run();
}
