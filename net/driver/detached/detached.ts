/**
 * The driver's process when it is detached: an agent runs it, and says what it may show to the cluster.
 *
 * It holds no secret: its agent gives it tokens of its own jobs, good for minutes, on the agent's Unix socket. Without
 * its agent it ends.
 */
import { randomBytes } from "node:crypto";
import process from "node:process";
import { furtherJob, jobOfRun } from "../../../core/cluster/driver_info.ts";
import { LucioleError } from "../../../core/errors.ts";
import { compileRunFlags, type ParsedFlags } from "../../../core/program/run_flags.ts";
import { DRIVER_ROUTES, type DriverAccess } from "../../driver_protocol.ts";
import { askMaster } from "../../master_request.ts";
import { host } from "../../program/host.ts";
import { type Transport, WORKER_ENV } from "../../protocol.ts";
import { currentRuntime } from "../../runtime/current_runtime.ts";
import type { Credentials } from "../../security/client_auth.ts";
import { authHeaders } from "../../security/client_auth.ts";
import { type ClusterAccess, clusterAccess } from "../cluster/cluster_access.ts";

export interface Detached {
  readonly access: ClusterAccess;
  /** "user@host" of whoever sent the program. */
  readonly sender: string;
  /** The first job of the program has the id that people know. */
  nextJobId(): string;
}

/** Often enough to end soon after the agent, where the system does not see to that. */
const RENEW_MS = 2_000;
/** Less than after which masters take an agent for lost, unless told otherwise. */
const TIMEOUT_MS = 5_000;

let entered: Promise<Detached> | undefined;

/** Flags and arguments of the program, all of which are its own; undefined when the driver is not detached. */
export function detachedFlags(): ParsedFlags | undefined {
  if (process.env[WORKER_ENV.detached] === undefined) return undefined;
  return { options: compileRunFlags({}, process.env), rest: process.argv.slice(2) };
}

/** Undefined when the driver is not detached. @throws {LucioleError} When its agent does not know it. */
export async function enterDetached(): Promise<Detached | undefined> {
  const job = process.env[WORKER_ENV.detached];
  const socket = process.env[WORKER_ENV.socket];
  if (job === undefined || socket === undefined) return undefined;
  entered ??= enter(job, socket);
  return await entered;
}

async function enter(job: string, socket: string): Promise<Detached> {
  const runtime = await currentRuntime();
  await runtime.dieWithParent();
  const transport: Transport = { fetch: (path, init) => runtime.fetchUnix(socket, path, init) };
  let given = await ask(job, transport);
  host.sent = given.program;
  let isAsking = false;
  const timer = setInterval(() => {
    if (isAsking) return;
    isAsking = true;
    const asked = ask(job, transport).then(
      (next) => {
        given = next;
      },
      (error) => {
        // It may stand still, and go on; but not where others then take it for lost.
        const isStill = error instanceof LucioleError && error.fields.reason === "timeout";
        if (isStill && !given.isGuarded) return;
        clearInterval(timer);
        process.kill(process.pid, "SIGTERM");
      },
    );
    void asked.finally(() => {
      isAsking = false;
    });
  }, RENEW_MS);
  timer.unref();
  const credentials: Credentials = {
    headers: () => (given.token === undefined ? {} : authHeaders(given.token)),
  };
  const { tls, masters, run, driver } = given;
  let jobs = 0;
  return {
    access: clusterAccess(runtime, masters, {
      credentials,
      leaseToken: () => given.leaseToken,
      ...(tls && { tls }),
    }),
    sender: driver,
    nextJobId: () => {
      const own = jobOfRun(job, run);
      return jobs++ === 0 ? own : furtherJob(own, randomBytes(3).toString("hex"));
    },
  };
}

async function ask(job: string, transport: Transport): Promise<DriverAccess> {
  const path = DRIVER_ROUTES.access(job);
  const link = { address: "its socket", transport };
  const answer = await askMaster(link, { method: "GET", path, id: "access", timeoutMs: TIMEOUT_MS });
  if (answer.kind === "answer") return answer.value as DriverAccess;
  const { code, why, cause, reason } = answer.failure;
  const message = `Cannot run as the driver of job ${job}: its agent: ${why}`;
  throw new LucioleError(code, message, { cause, fields: { reason } });
}
