/* OUT.part.state on disk, in the machine's byte order:
 *
 *	struct head, the text of the identity
 *	struct batch, its records		again and again
 */
#include "image/journal.h"

#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define MAGIC	     "cairnjnl"
#define VERSION	     1
#define IDENTITY_MAX (64U << 10)

struct head {
	char magic[8];
	guint32 version;
	guint32 record_size;
	guint64 identity_len;
	guint64 sum; /* XXH3 of the identity */
};

struct batch {
	guint32 records;
	guint32 next;
	guint64 sum; /* XXH3 of the fields before and the records, seeded with the sum before */
};

struct journal {
	int fd;
	char *path;
	guint64 sum;	 /* of the last batch */
	gboolean locked; /* it is ours until it is closed */
};

static gboolean
failed(const struct journal *journal, GError **error)
{
	cairn_set_errno(error, errno, "cannot write \"%s\"", journal->path);
	return FALSE;
}

static guint64
batch_sum(guint64 before, const struct batch *batch, const struct journal_record *records)
{
	guint64 seed = XXH3_64bits_withSeed(batch, offsetof(struct batch, sum), before);
	return XXH3_64bits_withSeed(records, batch->records * sizeof *records, seed);
}

static struct head
make_head(const char *identity)
{
	gsize len = strlen(identity);
	struct head head = {.version = VERSION,
			    .record_size = sizeof(struct journal_record),
			    .identity_len = len,
			    .sum = XXH3_64bits(identity, len)};
	memcpy(head.magic, MAGIC, sizeof head.magic);
	return head;
}

/* The one who had the lock before may have removed the file, being done: then a new one is made. */
static gboolean
open_locked(struct journal *journal, GError **error)
{
	struct stat st = {0};
	do {
		cairn_close_fd(&journal->fd);
		journal->fd = open(journal->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (journal->fd < 0)
			return failed(journal, error);
		if (flock(journal->fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
			g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_BUSY,
				    "another copy is writing \"%s\"", journal->path);
			return FALSE;
		}
		if (fstat(journal->fd, &st) < 0)
			return failed(journal, error);
	} while (st.st_nlink == 0);
	journal->locked = TRUE;
	return TRUE;
}

struct journal *
journal_open(const char *path, GError **error)
{
	cairn_auto(journal) journal = g_new0(struct journal, 1);
	journal->fd = -1;
	journal->path = g_strdup(path);
	return open_locked(journal, error) ? g_steal_pointer(&journal) : NULL;
}

/* One in which nothing was begun is not left behind. While it is locked nobody else has it. */
static void
remove_empty(const struct journal *journal)
{
	struct stat st;
	if (journal->locked && fstat(journal->fd, &st) == 0 && st.st_size == 0 && st.st_nlink > 0)
		unlink(journal->path);
}

void
journal_close(struct journal *journal)
{
	if (!journal)
		return;
	remove_empty(journal);
	cairn_close_fd(&journal->fd);
	g_free(journal->path);
	g_free(journal);
}

/* FALSE at the end of the file and for an error, which a journal may treat alike: what cannot be
 * read is not claimed. */
static gboolean
read_all(int fd, void *data, gsize len)
{
	for (gsize have = 0; have < len;) {
		ssize_t n = read(fd, (char *)data + have, len - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return FALSE;
		have += (gsize)n;
	}
	return TRUE;
}

static gboolean
read_head(struct journal *journal, const char *identity)
{
	struct head head, expected = make_head(identity);
	if (!read_all(journal->fd, &head, sizeof head) ||
	    memcmp(&head, &expected, sizeof head) != 0)
		return FALSE;
	g_autofree char *text = g_malloc(head.identity_len);
	journal->sum = head.sum;
	return read_all(journal->fd, text, head.identity_len) &&
	       memcmp(text, identity, head.identity_len) == 0;
}

/* Appends the records of one batch to @records. */
static gboolean
read_batch(struct journal *journal, GArray *records, guint32 *next)
{
	struct batch batch;
	guint before = records->len;
	if (!read_all(journal->fd, &batch, sizeof batch) ||
	    batch.records > JOURNAL_MAX_RECORDS - before)
		return FALSE;
	struct stat st;
	if (fstat(journal->fd, &st) < 0 ||
	    (guint64)st.st_size < batch.records * sizeof(struct journal_record))
		return FALSE;
	g_array_set_size(records, before + batch.records);
	struct journal_record *to = (struct journal_record *)(void *)records->data + before;
	if (read_all(journal->fd, to, batch.records * sizeof *to) &&
	    batch_sum(journal->sum, &batch, to) == batch.sum && batch.next >= *next) {
		journal->sum = batch.sum;
		*next = batch.next;
		return TRUE;
	}
	g_array_set_size(records, before);
	return FALSE;
}

gboolean
journal_load(struct journal *journal, const char *identity, GArray **ret_records, guint32 *ret_next)
{
	if (lseek(journal->fd, 0, SEEK_SET) < 0 || !read_head(journal, identity))
		return FALSE;
	g_autoptr(GArray) records = g_array_new(FALSE, FALSE, sizeof(struct journal_record));
	guint32 next = 0;
	off_t good;
	do
		good = lseek(journal->fd, 0, SEEK_CUR);
	while (read_batch(journal, records, &next));
	if (ftruncate(journal->fd, good) < 0 || lseek(journal->fd, good, SEEK_SET) < 0)
		return FALSE;
	*ret_records = g_steal_pointer(&records);
	*ret_next = next;
	return TRUE;
}

gboolean
journal_reset(struct journal *journal, const char *identity, GError **error)
{
	struct head head = make_head(identity);
	g_assert(head.identity_len <= IDENTITY_MAX);
	journal->sum = head.sum;
	if (ftruncate(journal->fd, 0) < 0 || lseek(journal->fd, 0, SEEK_SET) < 0)
		return failed(journal, error);
	if (!cairn_write_all(journal->fd, &head, sizeof head, journal->path, error) ||
	    !cairn_write_all(journal->fd, identity, head.identity_len, journal->path, error))
		return FALSE;
	return fsync(journal->fd) == 0 || failed(journal, error);
}

gboolean
journal_append(struct journal *journal, const GArray *records, guint32 next, GError **error)
{
	const struct journal_record *data =
		(const struct journal_record *)(const void *)records->data;
	struct batch batch = {.records = records->len, .next = next};
	batch.sum = batch_sum(journal->sum, &batch, data);
	if (!cairn_write_all(journal->fd, &batch, sizeof batch, journal->path, error) ||
	    !cairn_write_all(journal->fd, data, records->len * sizeof *data, journal->path, error))
		return FALSE;
	if (fdatasync(journal->fd) < 0)
		return failed(journal, error);
	journal->sum = batch.sum;
	return TRUE;
}
