/* The words and numbers that CIM_ManagedSystemElement has for how a job is: one table over its
 * state and whether it has warnings. cairnd(8) shows it. */
#pragma once

#include "core/job.h"

#define JOB_STATUS_MAX 2 /* elements of OperationalStatus that are the table's */

struct job_status {
	enum job_state state;
	gboolean warned; /* the row is for a job with warnings; else for all others */
	guint operational[JOB_STATUS_MAX];	  /* OperationalStatus; 0: none */
	const char *descriptions[JOB_STATUS_MAX]; /* StatusDescriptions */
	const char *word;			  /* Status, deprecated: at most 10 characters */
	guint health;				  /* HealthState */
	guint detailed;				  /* DetailedStatus */
	guint operating;			  /* OperatingStatus */
	guint primary;				  /* PrimaryStatus */
	guint communication;			  /* CommunicationStatus */
};

/* All, in the order of the states. */
const struct job_status *job_status_rows(guint *ret_n);
const struct job_status *job_status(const struct job *job);
const struct job_status *job_status_of(enum job_state state, gboolean warned);
/* The properties of the row into @json, with @more texts (strv, may be NULL) behind those of the
 * table in StatusDescriptions, each with the health again in OperationalStatus: the two are
 * index-parallel (DSP0004, CIM_ConcreteJob). */
void job_status_put(json_t *json, const struct job_status *row, char *const *more);
