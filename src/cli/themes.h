/* The rows of the command table, one array per theme, each ended by a NULL noun. */
#pragma once

#include "cli/command.h"

extern const struct command vm_commands[];
extern const struct command group_commands[];
extern const struct command point_commands[];
extern const struct command backup_commands[];
extern const struct command retain_commands[];
extern const struct command job_commands[];
extern const struct command schedule_commands[];
extern const struct command limits_commands[];
extern const struct command verify_commands[];
extern const struct command restore_commands[];
extern const struct command status_command[];
extern const struct command help_commands[];
