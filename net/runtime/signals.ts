/**
 * Waits for the signals that ask a process to end, and for those that it cannot hear. Knows nothing of what ending takes.
 */
import { readFileSync } from "node:fs";
import process from "node:process";
import { endWhenDeaf } from "./deaf_thread.ts";

export type EndSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

/** Of the signals in a mask of /proc, the first one. */
const SIGHUP_BIT = 1;

/** Who was started by `nohup` outlives its terminal: a listener would take that back. */
export const END_SIGNALS: readonly EndSignal[] = isHangupIgnored()
  ? ["SIGINT", "SIGTERM"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Resolves with the first signal. A second one does not wait for an orderly end: the process ends with code 1.
 *
 * @param onImpatient Called before that.
 */
export function untilSignal(onImpatient: () => void = () => undefined): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let signals = 0;
  const onSignal = (signal: string): void => {
    if (signals++ === 0) {
      resolve(signal);
      return;
    }
    onImpatient();
    process.exit(1);
  };
  for (const signal of END_SIGNALS) process.on(signal, onSignal);
  return promise;
}

/** Calls a listener for each of these signals, until the end that it returns. Where they are not heard the process ends. */
export function listenForSignals(listener: (signal: EndSignal) => void): () => void {
  for (const signal of END_SIGNALS) process.on(signal, onSignal);
  const deaf = endWhenDeaf(END_SIGNALS);
  function onSignal(signal: EndSignal): void {
    deaf.heard();
    listener(signal);
  }
  return () => {
    deaf.stop();
    for (const signal of END_SIGNALS) process.off(signal, onSignal);
  };
}

/** Whether this process was started so; never where the system does not tell. */
function isHangupIgnored(): boolean {
  try {
    const mask = /^SigIgn:\s*[0-9a-f]*([0-9a-f])$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    return (Number.parseInt(mask ?? "0", 16) & SIGHUP_BIT) !== 0;
  } catch {
    return false;
  }
}
