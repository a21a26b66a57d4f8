/**
 * Reads request bodies of the master: bounded, and checked field by field.
 *
 * What passes is only shown and reckoned with; nothing of it becomes a path or a command.
 */
import {
  type AgentInfo,
  type AgentLoad,
  type Heartbeat,
  JOB_STATES,
  type JobLoad,
} from "../../core/cluster/agent_info.ts";
import type { EndedJob } from "../../core/cluster/job_end.ts";
import type { PlacementRequest } from "../../core/cluster/placement.ts";
import { MAX_WORKERS } from "../../core/program/limits.ts";
import { MAX_WAIT_MS, type PlacementAsk } from "../cluster_protocol.ts";
import { checkId, type Fields, fields, ids, list, malformed, natural, shownText, text } from "../fields.ts";
import { jobEnd } from "../job_end_body.ts";
import { driverLoad } from "./driver_load.ts";

/** Of one heartbeat or request: a thousand jobs on an agent, or tens of thousands of near inputs. */
export const MAX_MASTER_BODY_BYTES = 4 * 1024 * 1024;
const MAX_TEXT = 200;
const MAX_LABELS = 100;
const CONTROL = /\p{Cc}/gu;
const MAX_JOBS = 10_000;
const MAX_HISTORY = 100;
const MAX_DRIVERS = 1000;
const MAX_NAMED_AGENTS = 20_000;
const LABEL = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$/;
/** A host name, an IPv4 address, or an IPv6 address in brackets; then the port. */
const ADDRESS = /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.%]{2,60}\]):[0-9]{1,5}$/;

export function heartbeat(body: Fields): Heartbeat {
  return {
    agent: agentInfo(fields(body.agent, "agent")),
    load: agentLoad(fields(body.load, "load")),
    sequence: natural(body.sequence, "sequence"),
    ...(body.isLeaving === true ? { isLeaving: true } : {}),
  };
}

export function placementAsk(body: Fields): PlacementAsk {
  const waitMs = body.waitMs === undefined ? 0 : natural(body.waitMs, "waitMs");
  return { ...placementRequest(body), waitMs: Math.min(waitMs, MAX_WAIT_MS) };
}

function placementRequest(body: Fields): PlacementRequest {
  const { leastWorkers, dataCenter, rack, labels, platform, near, exclude } = body;
  return {
    job: checkId(body.job, "job"),
    workers: upTo(MAX_WORKERS, body.workers, "workers"),
    ...(leastWorkers === undefined ? {} : { leastWorkers: upTo(MAX_WORKERS, leastWorkers, "leastWorkers") }),
    memoryBytes: natural(body.memoryBytes, "memoryBytes"),
    ...(dataCenter === undefined ? {} : { dataCenter: shortText(dataCenter, "dataCenter") }),
    ...(rack === undefined ? {} : { rack: shortText(rack, "rack") }),
    ...(labels === undefined ? {} : { labels: labelsOf(labels) }),
    ...(platform === undefined ? {} : { platform: shortText(platform, "platform") }),
    ...(near === undefined ? {} : { near: atMost(MAX_NAMED_AGENTS, near, "near").map(nearInput) }),
    ...(exclude === undefined
      ? {}
      : { exclude: ids(atMost(MAX_NAMED_AGENTS, exclude, "exclude"), "exclude") }),
  };
}

function nearInput(value: unknown): { readonly agent: string; readonly bytes: number } {
  const { agent, bytes } = fields(value, "near");
  return { agent: checkId(agent, "near.agent"), bytes: natural(bytes, "near.bytes") };
}

function agentInfo(agent: Fields): AgentInfo {
  const address = shortText(agent.address, "agent.address");
  if (!ADDRESS.test(address)) throw malformed("agent.address", "host:port", address);
  return {
    id: checkId(agent.id, "agent.id"),
    incarnation: checkId(agent.incarnation, "agent.incarnation"),
    address,
    dataCenter: shortText(agent.dataCenter, "agent.dataCenter"),
    rack: shortText(agent.rack, "agent.rack"),
    host: shortText(agent.host, "agent.host"),
    labels: labelsOf(agent.labels),
    version: shortText(agent.version, "agent.version"),
    platform: shortText(agent.platform, "agent.platform"),
    slots: natural(agent.slots, "agent.slots"),
    memoryBytes: natural(agent.memoryBytes, "agent.memoryBytes"),
    diskBytes: natural(agent.diskBytes, "agent.diskBytes"),
  };
}

function agentLoad(load: Fields): AgentLoad {
  return {
    freeSlots: natural(load.freeSlots, "load.freeSlots"),
    freeMemoryBytes: natural(load.freeMemoryBytes, "load.freeMemoryBytes"),
    freeDiskBytes: natural(load.freeDiskBytes, "load.freeDiskBytes"),
    jobs: atMost(MAX_JOBS, load.jobs, "load.jobs").map(jobLoad),
    ...(load.ended === undefined
      ? {}
      : { ended: atMost(MAX_JOBS, load.ended, "load.ended").map((job) => checkId(job, "load.ended")) }),
    ...(load.history === undefined
      ? {}
      : { history: atMost(MAX_HISTORY, load.history, "load.history").map(endedJob) }),
    ...(load.drivers === undefined
      ? {}
      : { drivers: atMost(MAX_DRIVERS, load.drivers, "load.drivers").map(driverLoad) }),
    ...(load.freeDrivers === undefined ? {} : { freeDrivers: natural(load.freeDrivers, "load.freeDrivers") }),
  };
}

function endedJob(value: unknown): EndedJob {
  const ended = fields(value, "load.history");
  return {
    job: checkId(ended.job, "load.history.job"),
    name: shown(ended.name, "load.history.name"),
    driver: shown(ended.driver, "load.history.driver"),
    since: natural(ended.since, "load.history.since"),
    endedAt: natural(ended.endedAt, "load.history.endedAt"),
    workers: natural(ended.workers, "load.history.workers"),
    ...jobEnd(ended),
  };
}

function jobLoad(value: unknown): JobLoad {
  const job = fields(value, "load.jobs");
  const state = JOB_STATES.find((known) => known === job.state);
  if (state === undefined) throw malformed("load.jobs.state", "a state", job.state);
  return {
    job: checkId(job.job, "load.jobs.job"),
    name: shown(job.name, "load.jobs.name"),
    program: shown(job.program, "load.jobs.program"),
    workers: natural(job.workers, "load.jobs.workers"),
    state,
    since: natural(job.since, "load.jobs.since"),
    driver: shown(job.driver, "load.jobs.driver"),
  };
}

function labelsOf(value: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(fields(value, "labels"));
  if (entries.length > MAX_LABELS) throw malformed("labels", `at most ${MAX_LABELS} labels`, entries.length);
  for (const [name] of entries) if (!LABEL.test(name)) throw malformed("labels", "names of labels", name);
  return Object.fromEntries(entries.map(([name, label]) => [name, shortText(label, "labels")]));
}

/** A text for people only: a long one is no reason to refuse an agent. */
function shown(value: unknown, name: string): string {
  return shownText(text(value, name), MAX_TEXT);
}

function shortText(value: unknown, name: string): string {
  const short = text(value, name);
  if (short.length > MAX_TEXT) throw malformed(name, `at most ${MAX_TEXT} characters`, short);
  if (short.search(CONTROL) >= 0) throw malformed(name, "a text without control characters", short);
  return short;
}

function upTo(most: number, value: unknown, name: string): number {
  const number = natural(value, name);
  if (number > most) throw malformed(name, `at most ${most}`, number);
  return number;
}

function atMost(most: number, value: unknown, name: string): readonly unknown[] {
  const items = list(value, name);
  if (items.length > most) throw malformed(name, `at most ${most} items`, items.length);
  return items;
}
