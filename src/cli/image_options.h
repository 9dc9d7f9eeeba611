/* The options of commands that export: what is written, how fast, and before whom. */
#pragma once

/* Rows of an option table, for a static struct with the members named. */
/* clang-format off */
#define IMAGE_OPTIONS(opt) \
	{"format", 0, 0, G_OPTION_ARG_STRING, &(opt).format, \
	 N_("Images to write; default qcow2"), "qcow2|raw"}, \
	{"compress", 0, 0, G_OPTION_ARG_STRING, &(opt).compress, \
	 N_("Compress the data of qcow2 images; default none"), "zstd|none"}, \
	{"digest", 0, 0, G_OPTION_ARG_STRING, &(opt).digest, \
	 N_("Digest of each block; default xxh3"), "xxh3|sha256"}, \
	{"rate", 0, 0, G_OPTION_ARG_STRING, &(opt).rate, \
	 N_("Bytes a second for the whole job, e.g. 50M"), "SIZE"}, \
	{"priority", 0, 0, G_OPTION_ARG_STRING, &(opt).priority, \
	 N_("Lower runs first; default 100"), "N"}
/* clang-format on */
