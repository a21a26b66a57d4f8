/**
 * LUCIOLE_TRACE: writes a line of JSON to a file for each attempt that ended: its time, what it read and what it wrote.
 *
 * For finding out which tasks a job waits for. It knows nothing of why they ran.
 */
import { appendFileSync } from "node:fs";
import process from "node:process";
import type { AgentEvent } from "../../../core/schedule/attempts/order.ts";
import { systemReason } from "../../system_reason.ts";

/**
 * What takes the events of agents; undefined when nobody wants to know.
 *
 * @param onTrouble Told once when it cannot be written any more; the job goes on without it.
 */
export function openTrace(
  onTrouble: (text: string) => void,
): ((events: readonly AgentEvent[]) => void) | undefined {
  const path = process.env.LUCIOLE_TRACE;
  if (path === undefined || path === "") return undefined;
  let isWritten = true;
  return (events) => {
    const lines = events.flatMap((event) =>
      event.kind === "attemptEnded" ? [`${JSON.stringify(lineOf(event))}\n`] : [],
    );
    if (!isWritten || lines.length === 0) return;
    try {
      appendFileSync(path, lines.join(""));
    } catch (error) {
      isWritten = false;
      onTrouble(`the trace "${path}" is not written any more: ${systemReason(error)}`);
    }
  };
}

function lineOf({ attempt, result }: Extract<AgentEvent, { kind: "attemptEnded" }>): object {
  // See TaskOrder: `<execution>-<group>-<task>-<number>`.
  const [task, group] = attempt.split("-").toReversed().slice(1).map(Number);
  const execution = attempt.split("-").slice(0, -3).join("-");
  const ms = result.kind === "committed" ? result.ms : undefined;
  const { rowsIn, bytesIn, rowsOut, bytesOut, spilledBytes } = result.totals;
  return { execution, group, task, end: result.kind, ms, rowsIn, bytesIn, rowsOut, bytesOut, spilledBytes };
}
