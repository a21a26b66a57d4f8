/**
 * The routes of an agent that its own workers use.
 */
import type { Hono } from "hono";
import { LucioleError } from "../../../core/errors.ts";
import { checkId, checkNumber, readFields } from "../../fields.ts";
import { workerMail } from "../../mail.ts";
import { done, sequence, value } from "../../replies.ts";
import type { AgentJob } from "../agent_job.ts";
import type { AgentJobs } from "../agent_jobs.ts";
import { heldRequest, nextRequest, reportRequest, writtenRequest } from "../bodies.ts";
import { type PeerAccess, peersOf } from "../peer_access.ts";
import { heldAnswer } from "../shards/held_inputs.ts";

export function addWorkerRoutes(app: Hono, jobs: AgentJobs, access: PeerAccess = {}): void {
  app.post("/v1/workers/:worker/next", async (context) => {
    const request = nextRequest(await readFields(context.req.raw));
    const { job, worker } = find(jobs, request.job, context.req.param("worker"));
    for (const event of request.events ?? []) job.report(worker, event);
    return value(await job.next(worker, request.ended, request.isLeaving === true));
  });
  app.post("/v1/workers/:worker/report", async (context) => {
    const request = reportRequest(await readFields(context.req.raw));
    const { job, worker } = find(jobs, request.job, context.req.param("worker"));
    for (const event of request.events) job.report(worker, event);
    return done();
  });
  app.post("/v1/workers/:worker/written", async (context) => {
    const request = writtenRequest(await readFields(context.req.raw));
    const { job, worker } = find(jobs, request.job, context.req.param("worker"));
    await job.written(worker, request.attempt, request.sizeBytes);
    return done();
  });
  app.post("/v1/workers/:worker/held", async (context) => {
    const request = heldRequest(await readFields(context.req.raw));
    const { job } = find(jobs, request.job, context.req.param("worker"));
    return value(heldAnswer(request.pieces, job.shards.held));
  });
  app.get("/v1/workers/:worker/control", (context) => {
    const { job, worker } = find(jobs, context.req.query("job"), context.req.param("worker"));
    return sequence(job.workers.openControl(worker));
  });
  app.post("/v1/workers/:worker/mail", async (context) => {
    const { job: id, mail } = workerMail(await readFields(context.req.raw));
    const { job } = find(jobs, id, context.req.param("worker"));
    await job.mail.send(mail);
    return done();
  });
  app.get("/v1/workers/:worker/mail", (context) => {
    const { job, worker } = find(jobs, context.req.query("job"), context.req.param("worker"));
    return sequence(job.workers.openMail(worker));
  });
  app.get("/v1/workers/:worker/peers", (context) => {
    const id = checkId(context.req.query("job"), "job");
    const { job } = find(jobs, id, context.req.param("worker"));
    return value(peersOf(id, job.order?.peers ?? {}, access));
  });
}

function find(
  jobs: AgentJobs,
  jobId: string | undefined,
  number: string,
): { readonly job: AgentJob; readonly worker: number } {
  const job = jobs.find(checkId(jobId, "job"));
  const worker = checkNumber(number, "worker");
  if (job.workers.has(worker)) return { job, worker };
  throw new LucioleError(
    "not-found",
    `Cannot find worker ${worker}: job ${jobId} has none of that number here`,
  );
}
