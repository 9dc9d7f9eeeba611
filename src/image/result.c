/* The result as JSON; see result.h. */
#include "image/result.h"

#include "base/json.h"

struct result *
result_new(enum digest_algorithm algorithm)
{
	struct result *result = g_new0(struct result, 1);
	result->algorithm = algorithm;
	result->runs = g_array_new(FALSE, FALSE, sizeof(struct result_run));
	result->digests = g_byte_array_new();
	return result;
}

void
result_free(struct result *result)
{
	if (!result)
		return;
	g_array_unref(result->runs);
	g_byte_array_unref(result->digests);
	g_free(result);
}

void
result_add(struct result *result, guint32 index, const guint8 *digest)
{
	guint n = result->runs->len;
	struct result_run *last = n ? &g_array_index(result->runs, struct result_run, n - 1) : NULL;
	if (last && last->first + last->count == index) {
		last->count++;
	} else {
		const struct result_run run = {index, 1};
		g_array_append_val(result->runs, run);
	}
	g_byte_array_append(result->digests, digest, (guint)digest_length(result->algorithm));
}

static json_t *
blocks_json(const struct result *result)
{
	json_t *blocks = json_object(), *runs = json_array();
	for (guint i = 0; i < result->runs->len; i++) {
		const struct result_run *run = &g_array_index(result->runs, struct result_run, i);
		json_array_append_new(
			runs, json_pack("[I,I]", (json_int_t)run->first, (json_int_t)run->count));
	}
	g_autofree char *text = g_base64_encode(result->digests->data, result->digests->len);
	cairn_json_set_uint(blocks, "size", SINK_BLOCK);
	cairn_json_set_string(blocks, "algorithm", digest_name(result->algorithm));
	cairn_json_set(blocks, "runs", runs);
	cairn_json_set_string(blocks, "digests", text);
	return blocks;
}

static json_t *
metadata_json(const struct result *result)
{
	if (!result->totals.has_metadata)
		return json_null();
	g_autoptr(GString) hex = g_string_new(NULL);
	for (gsize i = 0; i < digest_length(result->algorithm); i++)
		g_string_append_printf(hex, "%02x", result->totals.metadata[i]);
	json_t *metadata = json_object();
	cairn_json_set_string(metadata, "algorithm", digest_name(result->algorithm));
	cairn_json_set_string(metadata, "digest", hex->str);
	return metadata;
}

json_t *
result_json(const struct result *result)
{
	json_t *object = json_object();
	cairn_json_set_uint(object, "size", result->size);
	cairn_json_set_string(object, "format", result->format);
	cairn_json_set_string(object, "kind", result->kind);
	cairn_json_set_string(object, "backing", result->backing);
	cairn_json_set_string(object, "compression", result->compress ? "zstd" : NULL);
	cairn_json_set_uint(object, "cluster-size", SINK_CLUSTER);
	cairn_json_set_uint(object, "file-size", result->totals.file_size);
	cairn_json_set_uint(object, "data-bytes", result->totals.data_bytes);
	cairn_json_set_uint(object, "zero-bytes", result->totals.zero_bytes);
	cairn_json_set_uint(object, "read-bytes", result->read_bytes);
	cairn_json_set_real(object, "seconds", result->seconds);
	cairn_json_set_uint(object, "resumed-at", result->resumed_at);
	cairn_json_set(object, "blocks", blocks_json(result));
	cairn_json_set(object, "metadata", metadata_json(result));
	return object;
}
