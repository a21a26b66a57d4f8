/**
 * Asks an agent again and again whether it is there, while a job is brought to it and to others: nothing else of that
 * has a deadline, since programs may be large and ways slow. Once the agent has the job, this keeps its lease.
 *
 * It does not know what is brought.
 */
import { LucioleError } from "../../../core/errors.ts";
import { pause, withDeadline } from "../../pause.ts";
import { UNREACHABLE } from "../../tcp_transport.ts";
import type { LeaseTimes } from "./agent_watch.ts";
import { Silence } from "./silence.ts";

/** Within one lease, or within the time after which an agent is lost. */
const ASKED = 5;

/**
 * Until `over` is aborted.
 *
 * @param ask Any answer will do.
 * @returns Aborted with an error of code "unreachable" when there was no answer for `lostMs`.
 */
export function watchStart(
  name: string,
  ask: (signal: AbortSignal) => Promise<void>,
  times: LeaseTimes,
  over: AbortSignal,
): AbortSignal {
  const silent = new AbortController();
  void untilSilent(name, ask, times, over).then((cause) => {
    if (cause !== undefined) silent.abort(cause);
  });
  return silent.signal;
}

async function untilSilent(
  name: string,
  ask: (signal: AbortSignal) => Promise<void>,
  { leaseMs, lostMs }: LeaseTimes,
  over: AbortSignal,
): Promise<unknown> {
  const everyMs = Math.min(leaseMs, lostMs) / ASKED;
  const silence = new Silence();
  try {
    for (; !over.aborted; await pause(everyMs, over)) {
      try {
        await withDeadline(lostMs, ask, { name, parent: over });
        silence.heard();
      } catch (error) {
        if (!isBroken(error)) silence.heard();
        else if (silence.ms > lostMs - everyMs && !over.aborted) return error;
      }
    }
    return undefined;
  } finally {
    silence.close();
  }
}

/** Where nothing listens, whatever else is asked fails at once. */
function isBroken(error: unknown): boolean {
  return error instanceof LucioleError && error.code === UNREACHABLE && error.fields.isRefused !== true;
}
