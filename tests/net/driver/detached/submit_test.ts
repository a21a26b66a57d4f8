/** Who waits for room for a detached driver: what may fail meanwhile. */
import { expect, test } from "bun:test";
import { LucioleError } from "../../../../core/errors.ts";
import { Submission } from "../../../../net/driver/detached/submit.ts";
import { UNREACHABLE } from "../../../../net/tcp_transport.ts";
import { agentView } from "../../../cmd/fake_cluster.ts";
import { soon } from "../../../oracle/until.ts";

const LOAD = { freeSlots: 1, freeMemoryBytes: 1, freeDiskBytes: 1, jobs: [], freeDrivers: 0 };

/** What the master answers in turn; then the cluster has no agent any more. */
function submission(answers: readonly ("full" | Error)[], isPatient = true) {
  const asked = { count: 0 };
  const cluster = async () => {
    const answer = answers[asked.count++];
    if (answer instanceof Error) throw answer;
    return { agents: answer === undefined ? [] : [agentView("a1", { load: LOAD })] };
  };
  const never = (): never => {
    throw new Error("nobody has room");
  };
  const run = new Submission({
    access: { master: { cluster }, connect: never, leaseRequest: never } as never,
    cluster: { masters: ["m1:1"], security: { tls: {}, isInsecure: true }, isPatient },
    signal: new AbortController().signal,
  }).run(never);
  return { asked, run: soon("its end", run) };
}

const away = new LucioleError(UNREACHABLE, "Cannot reach the master");

test("a submission that waits goes on when the master is away for a moment", async () => {
  const { asked, run } = submission(["full", away, "full", away]);
  await expect(run).rejects.toThrow("the cluster has no agent that may run it");
  expect(asked.count).toBe(5);
});

test("a submission ends when no master was there from the start, when it may not wait, and by what is no broken way", async () => {
  await expect(submission([away]).run).rejects.toThrow("Cannot reach the master");
  await expect(submission(["full", away], false).run).rejects.toThrow("no agent has room for a driver");
  const refused = new LucioleError("auth", "Cannot ask: the token has expired");
  await expect(submission(["full", refused]).run).rejects.toThrow("the token has expired");
});
