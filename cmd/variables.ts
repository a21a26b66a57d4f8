/**
 * Every LUCIOLE_* variable that anything reads, and what it is for.
 */
import { SETTINGS } from "../core/cluster/settings.ts";
import { variableOf } from "../core/program/flag_reader.ts";
import { RUN_FLAG_NAMES } from "../core/program/run_flags.ts";
import { WORKER_ENV } from "../net/protocol.ts";

/** Of runs. */
export const RUN_VARIABLES: readonly (readonly [string, string])[] = [
  ["LUCIOLE_WORKERS", "number of workers, or their bounds, as --workers"],
  ["LUCIOLE_FIXED", "true: the program may not change the number of workers, as --fixed"],
  ["LUCIOLE_MEMORY", 'memory of all workers, as --memory: "2GiB"'],
  ["LUCIOLE_LOG_LEVEL", "debug, info, warn or error, as --log-level"],
  ["LUCIOLE_JSON", "true: JSON lines on stderr, as --json"],
  ["LUCIOLE_QUIET", "true: no progress, as --quiet"],
  ["LUCIOLE_EVENT_LOG", "file that gets the job's milestones and failures, as --event-log"],
  ["LUCIOLE_CHECKPOINT", "directory that keeps what a later run goes on from, as --checkpoint"],
  ["LUCIOLE_RESUME", "true: go on from what is in that directory, as --resume"],
  ["LUCIOLE_NO_WAIT", "true: fail when the cluster has no room, as --no-wait"],
  ["LUCIOLE_DETACH", "true: have an agent run the driver, as --detach; LUCIOLE_FOLLOW: attach at once"],
  ["LUCIOLE_SYMMETRIC", "true: be one of many, as --symmetric; LUCIOLE_RANK, LUCIOLE_RANKS, LUCIOLE_HEAD"],
  ["LUCIOLE_CODE", "general: run without generated loops, to find out whether one is to blame"],
  ["LUCIOLE_FAULTS", "off: without checksums and second attempts, to measure what they cost"],
  ["LUCIOLE_DATA", "directory of files of local runs (default: luciole in the user's cache)"],
  ["LUCIOLE_TRACE", "file that gets a line of JSON for each task: its time, rows and bytes"],
];

/** Of masters, agents, and of whatever asks them, beside those of runs. */
export const CLUSTER_VARIABLES: readonly (readonly [string, string])[] = [
  ["LUCIOLE_ROLE", "master or agent, as --role, when no command is given"],
  ...Object.values(SETTINGS)
    .map(({ name, text }) => [variableOf(name), text] as const)
    .filter(([variable]) => !RUN_VARIABLES.some(([known]) => known === variable)),
];

/** Names of those that no setting of a role has. */
export const OTHER_VARIABLES: readonly string[] = [
  ...RUN_VARIABLES.map(([name]) => name),
  ...RUN_FLAG_NAMES.map(variableOf),
  ...Object.values(WORKER_ENV),
];
