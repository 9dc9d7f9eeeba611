/* What tests of WS-Management's answers share: requests from golden files, instances to answer
 * with, and what holds for every answer. */
#pragma once

#include "golden.h"
#include "wire/wsman.h"

extern struct cim_schema *answer_schema;

/* "get_wmi": the golden request of that name, read without error. */
void answer_request(const char *name, struct wsman_request *ret_request);
struct cim_path *answer_path(const char *namespace, const char *id); /* of a job */
struct cim_instance *answer_instance(const char *class_name);
struct cim_instance *answer_job(const char *id);
/* Fails the test for what text tools cannot read. */
void answer_check(const char *text);
/* answer_check(), then golden_compare() with wsman_answers/@name.xml. */
void answer_compare(const char *name, const char *text);

/* Runs @tests, of which the last has no name, below /wsman/@group. */
struct answer_test {
	const char *name;
	void (*run)(void);
};
int answer_main(int argc, char **argv, const char *group, const struct answer_test *tests);
