/**
 * The routes of an agent that drivers use.
 */
import type { Hono } from "hono";
import { cancelledEnd, SUCCEEDED } from "../../core/cluster/job_end.ts";
import type { ShardPiece } from "../../core/plan/physical.ts";
import { checkId, checkNumber, decodeBody, fields, malformed, readBytes, readFields } from "../fields.ts";
import { jobEnd } from "../job_end_body.ts";
import { agentMail } from "../mail.ts";
import type { LeaseReply } from "../protocol.ts";
import { done, sequence, value } from "../replies.ts";
import type { AgentJobs } from "./agent_jobs.ts";
import {
  attemptsRequest,
  cancelRequest,
  jobOrder,
  leaseRequest,
  peersRequest,
  piecesRequest,
  releaseRequest,
  retireRequest,
} from "./bodies.ts";
import { messagesRequest } from "./mail/message_bodies.ts";
import { pieceAnswers } from "./shards/piece_answers.ts";

/** Of whoever ends the job of another. */
const MAX_NAME = 100;
const MAX_END_BYTES = 64 * 1024;
const MAX_CHANNEL_BYTES = 64 * 1024 * 1024;
/** A task that reads a hundred thousand pieces of one agent asks for them in less. */
const MAX_PIECES_BYTES = 16 * 1024 * 1024;

/** @param isRemote The driver is no process of ours: its jobs need a lease, as its death may go unseen. */
export function addDriverRoutes(app: Hono, jobs: AgentJobs, isRemote = false): void {
  const jobOf = (id: string) => jobs.findForDriver(checkId(id, "job"));
  app.get("/v1/agent", () => value(jobs.describe()));
  app.put("/v1/jobs/:job", async (context) => {
    const id = checkId(context.req.param("job"), "job");
    const order = jobOrder(await readFields(context.req.raw));
    if (isRemote && order.leaseMs === undefined) throw malformed("leaseMs", "a time in ms", undefined);
    await jobs.start(id, order);
    return done();
  });
  app.delete("/v1/jobs/:job", async (context) => {
    const by = context.req.query("by")?.replace(/\p{C}/gu, "").slice(0, MAX_NAME);
    const id = checkId(context.req.param("job"), "job");
    const body = await readBytes(context.req.raw, MAX_END_BYTES);
    const told = body.byteLength === 0 ? SUCCEEDED : jobEnd(fields(decodeBody(body), "body"));
    await jobs.end(id, by === undefined ? told : cancelledEnd(by), by);
    return done();
  });
  app.get("/v1/jobs/:job/events", (context) => {
    const after = context.req.query("after");
    const { events } = jobOf(context.req.param("job"));
    return sequence(events.open(after === undefined ? undefined : checkNumber(after, "after")));
  });
  app.post("/v1/jobs/:job/lease", async (context) => {
    const job = jobOf(context.req.param("job"));
    job.events.acknowledge(leaseRequest(await readFields(context.req.raw)).acknowledged);
    return value({ told: job.events.count } satisfies LeaseReply);
  });
  app.post("/v1/jobs/:job/retire", async (context) => {
    const job = jobOf(context.req.param("job"));
    job.retire(retireRequest(await readFields(context.req.raw)));
    return done();
  });
  app.put("/v1/jobs/:job/peers", async (context) => {
    const job = jobOf(context.req.param("job"));
    job.setPeers(peersRequest(await readFields(context.req.raw)));
    return done();
  });
  app.delete("/v1/jobs/:job/peers/:agent", (context) => {
    const version = checkNumber(context.req.query("version"), "version");
    jobOf(context.req.param("job")).dropPeer(checkId(context.req.param("agent"), "agent"), version);
    return done();
  });
  app.get("/v1/jobs/:job/logs", (context) => {
    const { from, worker } = context.req.query();
    const job = jobs.find(checkId(context.req.param("job"), "job"));
    const only = worker === undefined ? undefined : checkNumber(worker, "worker", -1);
    return value(job.logs.read(checkNumber(from ?? "0", "from"), only));
  });
  app.post("/v1/jobs/:job/attempts", async (context) => {
    const job = jobOf(context.req.param("job"));
    job.enqueue(attemptsRequest(await readFields(context.req.raw)));
    return done();
  });
  app.post("/v1/jobs/:job/cancel", async (context) => {
    const job = jobOf(context.req.param("job"));
    const { attempts } = cancelRequest(await readFields(context.req.raw));
    job.apply({ kind: "cancelled", attempts });
    return done();
  });
  app.post("/v1/jobs/:job/release", async (context) => {
    const job = jobOf(context.req.param("job"));
    job.release(releaseRequest(await readFields(context.req.raw)));
    return done();
  });
  app.post("/v1/jobs/:job/messages", async (context) => {
    const job = jobOf(context.req.param("job"));
    job.deliver(messagesRequest(await readFields(context.req.raw)));
    return done();
  });
  addShardRoutes(app, jobs);
}

function addShardRoutes(app: Hono, jobs: AgentJobs): void {
  const jobOf = (id: string) => jobs.find(checkId(id, "job"));
  app.get("/v1/jobs/:job/shards/:attempt/:partition", (context) => {
    const job = jobOf(context.req.param("job"));
    const body = job.readShard({
      attempt: checkId(context.req.param("attempt"), "attempt"),
      partition: checkNumber(context.req.param("partition"), "partition", -1),
      from: checkNumber(context.req.query("from") ?? "0", "from"),
      chunks: chunkRange(context.req.query("chunks")),
    });
    return sequence(body);
  });
  app.post("/v1/jobs/:job/pieces", async (context) => {
    const { shards } = jobOf(context.req.param("job"));
    const { pieces } = piecesRequest(await readFields(context.req.raw, MAX_PIECES_BYTES));
    return value(pieceAnswers(pieces, (piece, maxBytes) => shards.piece(piece, maxBytes)));
  });
  app.post("/v1/jobs/:job/mail", async (context) => {
    const { mail } = jobOf(context.req.param("job"));
    return value(mail.receive(agentMail(await readFields(context.req.raw))));
  });
  app.put("/v1/jobs/:job/channels/:attempt", (context) => {
    const job = jobOf(context.req.param("job"));
    const isUnread = context.req.query("unread") === "true";
    job.shards.openChannel(checkId(context.req.param("attempt"), "attempt"), isUnread);
    return done();
  });
  app.post("/v1/jobs/:job/channels/:attempt", async (context) => {
    const job = jobOf(context.req.param("job"));
    const attempt = checkId(context.req.param("attempt"), "attempt");
    const at = context.req.query("at");
    const items = await readBytes(context.req.raw, MAX_CHANNEL_BYTES);
    await job.shards.append(attempt, items, at === undefined ? undefined : checkNumber(at, "at"));
    return done();
  });
  app.delete("/v1/jobs/:job/channels/:attempt", (context) => {
    const job = jobOf(context.req.param("job"));
    job.shards.closeChannel(checkId(context.req.param("attempt"), "attempt"));
    return done();
  });
}

/** "3-7": [3, 7). */
function chunkRange(range: string | undefined): ShardPiece["chunks"] {
  if (range === undefined) return undefined;
  const [from, to] = range.split("-");
  return { from: checkNumber(from, "chunks"), to: checkNumber(to, "chunks") };
}
