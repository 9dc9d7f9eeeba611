/* What the methods_*.c share: arguments, and the way from cairnd's answer to a return value. */
#pragma once

#include "cimd/model_private.h"

/* Return values of Hyper-V's methods, as far as they are no error of cairnd's; the rest comes from
 * cairn_error_job_code(). */
enum method_code {
	METHOD_OK = 0,
	METHOD_STARTED = 4096, /* "Method Parameters Checked - Job Started" */
	METHOD_FAILED = 32768,
	METHOD_NOT_SUPPORTED = 32770,
	METHOD_TIMEOUT = 32772,
	METHOD_INVALID_PARAMETER = 32773,
	METHOD_INVALID_STATE = 32775,
	METHOD_WRONG_TYPE = 32776,
};

/* Arguments. Text of a string argument; NULL when it is absent, NULL or no plain text. */
const char *method_string(const struct run *run, const char *name);
/* FALSE when it is absent or NULL. */
gboolean method_uint(const struct run *run, const char *name, guint64 *ret_value);
/* The object of a reference argument. FALSE, and the run is over: a call error when it is NULL,
 * malformed or names nothing (hyperv-semantics: "not a return code"), INVALID_PARAMETER when it is
 * of another type. */
gboolean method_object(struct run *run, const char *name, enum object_type type,
		       struct object *ret_object);
/* An in/out parameter that must come in as NULL: FALSE, and the run is over, when it does not. */
gboolean method_expect_null(struct run *run, const char *name);
/* The instance in a string argument, or NULL with *@ret_code METHOD_OK when it is absent, NULL or
 * empty ("use defaults"); else NULL with the code that says what is wrong. A new reference. */
struct cim_instance *method_settings(const struct run *run, const struct cim_value *value,
				     const char *class_name, guint *ret_code);

/* Ends the run with the code of @error (borrowed); a daemon that does not answer is a call error.
 */
void method_refuse(struct run *run, const GError *error);
/* A run_answer_fn: 0, or the error's code. */
void method_answer_done(struct run *run, const json_t *value, const GError *error);
/* A run_answer_fn for an answer {job}: brings the job into the mirror and ends with 4096 and Job.
 */
void method_answer_job(struct run *run, const json_t *value, const GError *error);
/* A method_fn for what cairn does not do. */
void method_not_supported(struct run *run, const struct object *object);
/* Adds an out parameter that is a reference. */
void method_add_object(struct run *run, const char *name, const struct object *object);
/* {KEY: VALUE}; a new reference. */
json_t *method_arguments(const char *key, const char *value);

extern const struct method_binding methods_group[];
extern const struct method_binding methods_point[];
/* job_wait.c: a method that answers when a job has come to a state. */
#define JOB_WAIT_MAX_USEC (10 * 60 * G_USEC_PER_SEC) /* nobody waits longer */
/* Sets of JobStates: bits (1 << state), and bit 0 for 32768, completed with warnings. */
#define JOB_WAIT_STATE(state) (1u << (state))
#define JOB_WAIT_WELL	      (JOB_WAIT_STATE(7) | 1u)
#define JOB_WAIT_END	      (JOB_WAIT_WELL | JOB_WAIT_STATE(8) | JOB_WAIT_STATE(9) | JOB_WAIT_STATE(10))
/* Puts into @run what job_wait_answer() needs: one of the JobStates to be reached @usec from now
 * on. Ends with 0; METHOD_FAILED when the job ends otherwise; METHOD_TIMEOUT. */
void job_wait_prepare(struct run *run, const char *job, guint states, gint64 usec);
/* A run_answer_fn for the answer of job-control and schedule-control. */
void job_wait_answer(struct run *run, const json_t *value, const GError *error);

extern const struct method_binding methods_job[];
extern const struct method_binding methods_error[];
extern const struct method_binding methods_other[];
