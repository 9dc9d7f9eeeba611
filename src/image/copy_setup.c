/* Before the first byte moves: what to copy (extents, changes, parent) and what is there already
 * (journal, unfinished file). */
#include "image/copy_setup.h"

#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Limit of an encoded set of extents: the most ranges at 20 bytes each. */
#define EXTENTS_FILE_MAX (32U << 20)

/* A context has a colon; a path with one must begin with a slash or a dot. */
static gboolean
is_context(const char *since)
{
	return since && since[0] != '/' && since[0] != '.' && strchr(since, ':');
}

static gboolean
need_context(const struct source *source, const char *context, GError **error)
{
	if (source_has_context(source, context))
		return TRUE;
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_PEER, "the NBD server does not offer \"%s\"",
		    context);
	return FALSE;
}

static void
on_plan_extent(void *opaque, const char *context, guint64 offset, guint64 length, guint32 flags)
{
	struct plan *plan = opaque;
	if (strcmp(context, SOURCE_ALLOCATION) != 0) {
		if (flags & SOURCE_DIRTY)
			plan_dirty(plan, offset, length);
	} else if (!(flags & SOURCE_ZERO)) {
		/* A hole that does not promise zeroes is read. */
		plan_allocated(plan, offset, length);
	}
}

static gboolean
plan_extents(struct plan *plan, const struct copy_setup *setup, GError **error)
{
	if (!setup->since)
		return TRUE;
	if (extents_size(setup->since) != source_size(setup->source)) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
			    "the changes are of a disk of %" G_GUINT64_FORMAT
			    " bytes, this one has %" G_GUINT64_FORMAT,
			    extents_size(setup->since), source_size(setup->source));
		return FALSE;
	}
	for (guint i = 0; i < extents_count(setup->since); i++) {
		const struct extent *range = extents_get(setup->since, i);
		plan_dirty(plan, range->offset, range->length);
	}
	return TRUE;
}

/* Where the parent of a synthetic full has no hole. */
static gboolean
plan_parent(struct plan *plan, const char *path, GError **error)
{
	CAIRN_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		cairn_set_errno(error, errno, "cannot open the parent \"%s\"", path);
		return FALSE;
	}
	for (off_t start = 0, end; (start = lseek(fd, start, SEEK_DATA)) >= 0; start = end) {
		end = lseek(fd, start, SEEK_HOLE);
		if (end < 0)
			break;
		plan_base(plan, (guint64)start, (guint64)(end - start));
	}
	if (errno == ENXIO)
		return TRUE;
	cairn_set_errno(error, errno, "cannot look for holes in \"%s\"", path);
	return FALSE;
}

static gboolean
open_source(const struct copy_options *options, int stop_fd, struct copy_setup *setup,
	    GError **error)
{
	const char *contexts[3] = {SOURCE_ALLOCATION};
	if (is_context(options->since))
		contexts[1] = options->since;
	setup->source =
		source_open(options->uri, contexts, options->timeout * 1000, stop_fd, error);
	return setup->source && (!contexts[1] || need_context(setup->source, contexts[1], error));
}

static gboolean
read_since(const char *path, struct copy_setup *setup, GError **error)
{
	g_autofree char *data = NULL;
	gsize len;
	if (!cairn_file_read(path, EXTENTS_FILE_MAX, &data, &len, error))
		return FALSE;
	g_autoptr(GBytes) bytes = g_bytes_new_take(g_steal_pointer(&data), len);
	setup->since = extents_decode(bytes, error);
	setup->since_sum = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes);
	if (!setup->since)
		g_prefix_error(error, "\"%s\": ", path);
	return setup->since != NULL;
}

static gboolean
make_plan(const struct copy_options *options, struct copy_setup *setup, GError **error)
{
	struct source *source = setup->source;
	struct plan *plan = setup->plan = plan_new(source_size(source), options->since != NULL);
	if (!plan_extents(plan, setup, error))
		return FALSE;
	gboolean told = source_has_context(source, SOURCE_ALLOCATION);
	if (!told)
		plan_allocated(plan, 0, source_size(source));
	if ((told || is_context(options->since)) &&
	    !source_extents(source, on_plan_extent, plan, error))
		return FALSE;
	gboolean synthetic = g_strcmp0(options->sink, "raw") == 0 && options->parent;
	return !synthetic || plan_parent(plan, options->parent, error);
}

/* A sum over all that decides what is in the file. Who names the contents may move the server; of a
 * file of extents its contents count, not its name. */
static char *
identity(const struct copy_options *options, const struct copy_setup *setup)
{
	const char *name = options->identity;
	g_autofree char *text = g_strdup_printf(
		"%s %s\n%" G_GUINT64_FORMAT "\n%s\n%s\n%s\n%s\n%s\n%d\n%s\n",
		name ? "identity" : "uri", name ? name : options->uri, source_size(setup->source),
		options->sink, options->since && !setup->since_sum ? options->since : "",
		setup->since_sum ? setup->since_sum : "", options->parent ? options->parent : "",
		options->backing ? options->backing : "", options->compress,
		digest_name(options->digest));
	return g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
}

static struct sink *
open_sink(const struct copy_options *options, const struct copy_setup *setup, gboolean resume,
	  GError **error)
{
	const struct sink_options sink = {
		.format = options->sink,
		.path = setup->part,
		.resume = resume,
		.size = source_size(setup->source),
		.incremental = options->since && g_strcmp0(options->sink, "qcow2") == 0,
		.parent = options->parent,
		.backing = options->backing,
		.compress = options->compress,
		.digest = options->digest,
	};
	return sink_open(&sink, error);
}

/* Tells the sink of the blocks that the file holds. */
static gboolean
replay(struct copy_setup *setup, const GArray *records, GError **error)
{
	for (guint i = 0; i < records->len; i++) {
		const struct journal_record *record =
			&g_array_index(records, struct journal_record, i);
		struct sink_block block = {.index = record->index,
					   .data = record->data,
					   .base = record->base,
					   .zero = record->zero};
		memcpy(block.sectors, record->sectors, sizeof block.sectors);
		if (!sink_place(setup->sink, &block, error))
			return FALSE;
		result_add(setup->result, record->index, record->digest);
	}
	return sink_resume(setup->sink, setup->next_block, error);
}

/* An unfinished file that is missing or too short is no reason to fail: the copy starts anew. */
static gboolean
resume(const struct copy_options *options, struct copy_setup *setup, const char *text)
{
	g_autoptr(GArray) records = NULL;
	g_autoptr(GError) error = NULL;
	if (!journal_load(setup->journal, text, &records, &setup->next_block))
		return FALSE;
	setup->sink = open_sink(options, setup, TRUE, &error);
	if (setup->sink && replay(setup, records, &error))
		return TRUE;
	g_debug("not gone on with: %s", error->message);
	sink_close(g_steal_pointer(&setup->sink));
	result_free(setup->result);
	setup->result = result_new(options->digest);
	setup->next_block = 0;
	return FALSE;
}

static gboolean
open_output(const struct copy_options *options, struct copy_setup *setup, GError **error)
{
	g_autofree char *text = identity(options, setup);
	setup->result = result_new(options->digest);
	if (resume(options, setup, text))
		return TRUE;
	setup->sink = open_sink(options, setup, FALSE, error);
	return setup->sink && journal_reset(setup->journal, text, error);
}

/* A file under the final name is never replaced. */
static gboolean
lock_output(const struct copy_options *options, struct copy_setup *setup, GError **error)
{
	setup->part = g_strconcat(options->out, ".part", NULL);
	setup->state = g_strconcat(options->out, ".part.state", NULL);
	if (g_file_test(options->out, G_FILE_TEST_EXISTS)) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_EXISTS, "\"%s\" exists already",
			    options->out);
		return FALSE;
	}
	setup->journal = journal_open(setup->state, error);
	return setup->journal != NULL;
}

gboolean
copy_setup(const struct copy_options *options, int stop_fd, struct copy_setup *setup,
	   GError **error)
{
	if (options->since && !is_context(options->since) &&
	    !read_since(options->since, setup, error))
		return FALSE;
	return lock_output(options, setup, error) && open_source(options, stop_fd, setup, error) &&
	       make_plan(options, setup, error) && open_output(options, setup, error);
}

void
copy_setup_clear(struct copy_setup *setup)
{
	source_close(setup->source);
	extents_free(setup->since);
	plan_free(setup->plan);
	sink_close(setup->sink);
	journal_close(setup->journal);
	result_free(setup->result);
	g_free(setup->since_sum);
	g_free(setup->part);
	g_free(setup->state);
	memset(setup, 0, sizeof *setup);
}

struct mapping {
	const char *context;
	struct extents *extents;
};

static void
on_map_extent(void *opaque, const char *context, guint64 offset, guint64 length, guint32 flags)
{
	struct mapping *mapping = opaque;
	if (strcmp(context, mapping->context) != 0)
		return;
	gboolean allocation = strcmp(context, SOURCE_ALLOCATION) == 0;
	if (allocation ? !(flags & SOURCE_ZERO) : flags & SOURCE_DIRTY)
		extents_add(mapping->extents, offset, length);
}

gboolean
copy_map(const char *uri, const char *context, const char *out, guint timeout, int stop_fd,
	 GError **error)
{
	struct mapping mapping = {.context = context ? context : SOURCE_ALLOCATION};
	const char *const contexts[] = {mapping.context, NULL};
	cairn_auto(source) source = source_open(uri, contexts, timeout * 1000, stop_fd, error);
	if (!source || !need_context(source, mapping.context, error))
		return FALSE;
	cairn_auto(extents) extents = mapping.extents = extents_new(source_size(source));
	if (!source_extents(source, on_map_extent, &mapping, error))
		return FALSE;
	g_autoptr(GBytes) bytes = extents_encode(extents);
	gsize len;
	const void *data = g_bytes_get_data(bytes, &len);
	return cairn_file_replace(out, data, len, 0600, error);
}
