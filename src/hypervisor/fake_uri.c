/* The machines that a fake host has from its URI, so that a daemon of its own process can be
 * tested: "fake:///NAME?VM=STATE,DISK,...&..."; STATE is running or shutoff, each disk has 64 MiB.
 */
#include "hypervisor/fake_private.h"

#include <string.h>

#define DISK_SIZE (64 * 1024 * 1024)

/* The same after a restart, as a real machine's: made of its name. */
static char *
uuid_of(const char *name)
{
	g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, name, -1);
	return g_strdup_printf("%.8s-%.4s-4%.3s-8%.3s-%.12s", sum, sum + 8, sum + 12, sum + 15,
			       sum + 18);
}

static void
add_machine(struct fake *fake, const char *name, char *const *words)
{
	g_autofree char *uuid = uuid_of(name);
	enum hv_state state = g_strcmp0(words[0], "shutoff") == 0 ? HV_SHUTOFF : HV_RUNNING;
	fake_add_vm_as(fake, uuid, name, state, state == HV_RUNNING);
	fake_find(fake, uuid)->outlives = TRUE;
	for (char *const *disk = words[0] ? words + 1 : words; *disk; disk++)
		fake_add_disk(fake, uuid, *disk, DISK_SIZE, TRUE);
}

void
fake_add_from_uri(struct fake *fake, const char *uri)
{
	const char *query = strchr(uri, '?');
	g_auto(GStrv) machines = g_strsplit(query ? query + 1 : "", "&", -1);
	for (char **machine = machines; *machine; machine++) {
		char *equals = strchr(*machine, '=');
		if (!equals)
			continue;
		*equals = '\0';
		g_auto(GStrv) words = g_strsplit(equals + 1, ",", -1);
		add_machine(fake, *machine, words);
	}
}
