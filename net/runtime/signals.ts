/**
 * Waits for the signals that ask a process to end. Knows nothing of what ending takes.
 */
import process from "node:process";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

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
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return promise;
}
