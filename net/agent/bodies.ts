/**
 * Reads request bodies of the agent: checked field by field.
 *
 * What an agent only hands on (plans, inputs, reports) is checked as far as the
 * agent itself looks at it; whoever uses the rest meets its own checks.
 */
import { parseAddress } from "../../core/cluster/address.ts";
import type { WireError } from "../../core/errors.ts";
import { MAX_WORKERS } from "../../core/program/limits.ts";
import type { ExecutionOrder, PlanTemplate, TaskOrder } from "../../core/schedule/attempts/order.ts";
import type { AttemptResult, TaskReport } from "../../core/schedule/report.ts";
import { checkId, type Fields, fields, ids, list, malformed, natural, text } from "../fields.ts";
import type {
  AttemptsRequest,
  CancelRequest,
  HeldPiece,
  HeldRequest,
  JobOrder,
  LeaseRequest,
  NextRequest,
  PeersRequest,
  PerformedAttempt,
  PiecesRequest,
  ReleaseRequest,
  ReportRequest,
  RetireRequest,
  WorkerReport,
  WrittenRequest,
} from "../protocol.ts";
import type { HeldShard } from "../store/held_shard.ts";
import { parcel } from "./mail/message_bodies.ts";
import { programRef } from "./programs/program_routes.ts";

const MAX_ENVIRONMENT = 1000;
const LEVELS = ["debug", "info", "warn", "error"] as const;

export function jobOrder(body: Fields): JobOrder {
  const command = fields(body.command, "command");
  const words = list(command.command, "command.command").map((word) => text(word, "command.command"));
  if (words.length === 0 && body.program === undefined)
    throw malformed("command.command", "a command", words);
  const environment = Object.entries(fields(command.environment, "command.environment"));
  if (environment.length > MAX_ENVIRONMENT)
    throw malformed("command.environment", "a small map", environment.length);
  const { program, name, driver, memoryBytes, leaseMs, peers } = body;
  const workers = natural(body.workers, "workers");
  if (workers > MAX_WORKERS) throw malformed("workers", `at most ${MAX_WORKERS}`, workers);
  return {
    workers,
    firstWorker: natural(body.firstWorker, "firstWorker"),
    command: {
      command: words,
      environment: Object.fromEntries(environment.map(([name, value]) => [name, text(value, name)])),
      workingDirectory: text(command.workingDirectory, "command.workingDirectory"),
    },
    ...(program === undefined ? {} : { program: programRef(fields(program, "program")) }),
    ...(name === undefined ? {} : { name: text(name, "name") }),
    ...(driver === undefined ? {} : { driver: text(driver, "driver") }),
    ...(memoryBytes === undefined ? {} : { memoryBytes: natural(memoryBytes, "memoryBytes") }),
    ...(leaseMs === undefined ? {} : { leaseMs: natural(leaseMs, "leaseMs") }),
    ...(peers === undefined ? {} : { peers: addresses(peers) }),
    ...(body.isMore === true ? { isMore: true } : {}),
  };
}

export function leaseRequest(body: Fields): LeaseRequest {
  return { acknowledged: natural(body.acknowledged, "acknowledged") };
}

export function retireRequest(body: Fields): RetireRequest {
  const workers = list(body.workers, "workers").map((worker) => natural(worker, "workers"));
  return { workers, graceMs: natural(body.graceMs, "graceMs") };
}

export function peersRequest(body: Fields): PeersRequest {
  return { version: natural(body.version, "version"), peers: addresses(body.peers) };
}

function addresses(value: unknown): Record<string, string> {
  const peers = Object.entries(fields(value, "peers"));
  return Object.fromEntries(peers.map(([id, address]) => [checkId(id, "peers"), hostAndPort(address)]));
}

export function hostAndPort(value: unknown, name = "peers"): string {
  const address = text(value, name);
  if (parseAddress(address, 0) === undefined) throw malformed(name, "host:port", address);
  return address;
}

export function attemptsRequest(body: Fields): AttemptsRequest {
  const { templates = [], executions = [], release } = body;
  return {
    orders: list(body.orders, "orders").map(taskOrder),
    templates: list(templates, "templates").map(planTemplate),
    executions: list(executions, "executions").map(executionOrder),
    ...(release === undefined ? {} : { release: releaseRequest(fields(release, "release")) }),
  };
}

function planTemplate(value: unknown): PlanTemplate {
  const { id, body } = fields(value, "templates");
  return { id: checkId(id, "templates.id"), body: ownBytes(body, "templates.body") };
}

function executionOrder(value: unknown): ExecutionOrder {
  const { id, template, params } = fields(value, "executions");
  return {
    id: checkId(id, "executions.id"),
    template: checkId(template, "executions.template"),
    params: ownBytes(params, "executions.params"),
  };
}

/** A copy: it is kept, and came as a part of a request with much else in it. */
function ownBytes(value: unknown, name: string): Uint8Array {
  if (value instanceof Uint8Array) return value.slice();
  throw malformed(name, "bytes", value);
}

export function cancelRequest(body: Fields): CancelRequest {
  return { attempts: ids(body.attempts, "attempts") };
}

export function releaseRequest(body: Fields): ReleaseRequest {
  return {
    attempts: ids(body.attempts, "attempts"),
    executions: ids(body.executions, "executions"),
    templates: ids(body.templates ?? [], "templates"),
  };
}

export function nextRequest(body: Fields): NextRequest {
  const { ended, events, isLeaving } = body;
  return {
    job: checkId(body.job, "job"),
    ...(ended === undefined ? {} : { ended: performedAttempt(fields(ended, "ended")) }),
    ...(events === undefined ? {} : { events: list(events, "events").map(workerReport) }),
    ...(isLeaving === true ? { isLeaving } : {}),
  };
}

export function reportRequest(body: Fields): ReportRequest {
  return { job: checkId(body.job, "job"), events: list(body.events, "events").map(workerReport) };
}

export function writtenRequest(body: Fields): WrittenRequest {
  return {
    job: checkId(body.job, "job"),
    attempt: checkId(body.attempt, "attempt"),
    sizeBytes: natural(body.sizeBytes, "sizeBytes"),
  };
}

export function heldRequest(body: Fields): HeldRequest {
  return { job: checkId(body.job, "job"), pieces: list(body.pieces, "pieces").map(heldPiece) };
}

export function piecesRequest(body: Fields): PiecesRequest {
  return { pieces: list(body.pieces, "pieces").map(heldPiece) };
}

function heldPiece(value: unknown): HeldPiece {
  const { attempt, partition, chunks } = fields(value, "pieces");
  const piece = {
    attempt: checkId(attempt, "attempt"),
    partition: natural(typeof partition === "number" ? partition + 1 : partition, "partition") - 1,
  };
  if (chunks === undefined) return piece;
  const { from, to } = fields(chunks, "chunks");
  return { ...piece, chunks: { from: natural(from, "chunks.from"), to: natural(to, "chunks.to") } };
}

function performedAttempt(ended: Fields): PerformedAttempt {
  return {
    attempt: checkId(ended.attempt, "ended.attempt"),
    result: result(ended.result),
    ...(ended.held === undefined ? {} : { held: heldShard(fields(ended.held, "ended.held")) }),
  };
}

function heldShard(shard: Fields): HeldShard {
  natural(shard.partitions, "held.partitions");
  for (const part of list(shard.items, "held.items")) {
    const [partition, items] = list(part, "held.items");
    natural(partition, "held.items");
    if (!(items instanceof Uint8Array)) throw malformed("held.items", "bytes", items);
  }
  return shard as unknown as HeldShard;
}

function taskOrder(value: unknown): TaskOrder {
  const order = fields(value, "orders");
  checkId(order.execution, "execution");
  checkId(order.attempt, "attempt");
  natural(order.group, "group");
  natural(order.task, "task");
  const input = fields(order.input, "input");
  for (const edge of list(input.pieces, "input.pieces")) checkEdge(edge, "input.pieces");
  const sides = fields(input.sides, "input.sides");
  for (const side in sides) checkEdge(sides[side], "input.sides");
  if (order.workers !== undefined && list(order.workers, "workers").length === 0)
    throw malformed("workers", "some workers", order.workers);
  for (const worker of list(order.workers ?? [], "workers")) natural(worker, "workers");
  return order as unknown as TaskOrder;
}

/** Orders may have many thousands of pieces, and whoever reads one meets its own checks. */
function checkEdge(edge: unknown, name: string): void {
  for (const piece of list(edge, name)) {
    if (typeof piece !== "object" || piece === null) throw malformed(name, "maps", piece);
  }
}

function result(value: unknown): AttemptResult {
  const fieldsOfResult = fields(value, "result");
  totals(fieldsOfResult.totals);
  const { ms } = fieldsOfResult;
  if (ms !== undefined && !(typeof ms === "number" && ms >= 0)) throw malformed("result.ms", "a time", ms);
  if (fieldsOfResult.kind === "committed") {
    list(fields(fieldsOfResult.shard, "shard").partitions, "shard.partitions");
  } else if (fieldsOfResult.kind === "failed") {
    wireError(fieldsOfResult.error);
  } else {
    throw malformed("result.kind", "committed or failed", fieldsOfResult.kind);
  }
  return value as AttemptResult;
}

function workerReport(value: unknown): WorkerReport {
  const event = fields(value, "events");
  switch (event.kind) {
    case "started":
      checkId(event.attempt, "attempt");
      break;
    case "progress":
      checkId(event.attempt, "attempt");
      totals(event.totals);
      break;
    case "log":
      if (event.attempt !== undefined) checkId(event.attempt, "attempt");
      if (!LEVELS.some((level) => level === event.level))
        throw malformed("level", "a log level", event.level);
      text(event.text, "text");
      break;
    case "parcel":
      parcel(event.parcel);
      break;
    case "ended":
      performedAttempt(event);
      break;
    case "returned":
      ids(event.attempts, "attempts");
      break;
    default:
      throw malformed("events.kind", "a kind of report", event.kind);
  }
  return value as WorkerReport;
}

function totals(value: unknown): TaskReport {
  const report = fields(value, "totals");
  for (const name of ["rowsIn", "bytesIn", "rowsOut", "bytesOut", "spilledBytes"]) {
    if (typeof report[name] !== "number") throw malformed(`totals.${name}`, "a number", report[name]);
  }
  fields(report.counters, "totals.counters");
  fields(report.samples, "totals.samples");
  return value as TaskReport;
}

function wireError(value: unknown): WireError {
  const error = fields(value, "error");
  text(error.code, "error.code");
  text(error.message, "error.message");
  return value as WireError;
}
