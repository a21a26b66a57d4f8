/**
 * Calls a driver function with a job of its own, whatever happens to it: success, failure,
 * signals, errors that nobody caught. Everything is cleaned up, a failure told in one line.
 */
import { writeSync } from "node:fs";
import process from "node:process";
import { HAS_SUCCEEDED } from "../../core/checkpoint/records.ts";
import { CancelledError, LucioleError, toWireError } from "../../core/errors.ts";
import { EXIT, exitCodeOf } from "../../core/program/exit_codes.ts";
import { failureText } from "../../core/program/failure_text.ts";
import { parseRunFlags, type RunFlags } from "../../core/program/run_flags.ts";
import { host } from "../program/host.ts";
import { outliveReaders } from "../runtime/closed_pipes.ts";
import { type EndSignal, listenForSignals } from "../runtime/signals.ts";
import type { SymmetricHead } from "./cluster/symmetric.ts";
import { detachedFlags } from "./detached/detached.ts";
import type { DriverJob } from "./driver_job.ts";
import type { Job } from "./job.ts";

/** Runs the function to its end. @returns The exit code. */
export async function runDriver(driver: (job: Job) => unknown): Promise<number> {
  let flags: RunFlags | undefined;
  let job: DriverJob | undefined;
  let head: SymmetricHead | undefined;
  const ends = listenForEnds(() => job?.sweep());
  outliveReaders();
  try {
    const own = host.flags ?? detachedFlags();
    const parsed = own ?? parseRunFlags(process.argv.slice(2), process.env);
    flags = parsed.options;
    if (flags.detach !== undefined) {
      const { submitDriver } = await import("./detached/submit.ts");
      return await submitDriver(flags, flags.detach, parsed.rest, ends.signal);
    }
    if (flags.symmetric !== undefined) {
      const { enterSymmetric } = await import("./cluster/symmetric.ts");
      head = await enterSymmetric(flags, flags.symmetric, ends.signal);
      if (head === undefined) return EXIT.ok;
    }
    const { openDriverJob } = await import("./open_driver_job.ts");
    job = await openDriverJob(parsed.options, parsed.rest, ends.signal);
    // What came meanwhile: the program is not to begin what is cancelled already.
    ends.check();
    await Promise.race([driver(job), ends.received]);
    job.checkHeard();
    await job.close();
    await head?.close();
    ends.check();
    return EXIT.ok;
  } catch (error) {
    if (job === undefined && error instanceof LucioleError && error.code === HAS_SUCCEEDED) {
      await head?.close();
      print(
        flags?.isJson === true
          ? JSON.stringify({ kind: "hasSucceeded", text: error.message })
          : error.message,
      );
      return EXIT.ok;
    }
    job?.failed(error);
    await job?.close().catch(() => undefined);
    await head?.close().catch(() => undefined);
    printFailure(error, flags?.isJson === true);
    return ends.code() ?? exitCodeOf(error);
  } finally {
    ends.stop();
  }
}

interface Ends {
  /** Rejects with the first signal, or the first error that nobody caught. */
  readonly received: Promise<never>;
  /** Aborted with the same. */
  readonly signal: AbortSignal;
  /** @throws What came. */
  check(): void;
  /** The exit code of the signal that came. */
  code(): number | undefined;
  stop(): void;
}

function listenForEnds(onHurry: () => void): Ends {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => undefined);
  const abort = new AbortController();
  let code: number | undefined;
  let first: { readonly error: unknown } | undefined;
  const end = (error: unknown): void => {
    first ??= { error };
    reject(error);
    abort.abort(error);
  };
  const onSignal = (signal: EndSignal): void => {
    const how = signal === "SIGINT" ? "Interrupted" : `Ended by ${signal}`;
    if (code !== undefined) {
      // The second one does not wait for the clean-up of the first.
      onHurry();
      print(`error: ${how}: the job is ended at once`);
      process.exit(code);
    }
    code = signal === "SIGINT" ? EXIT.interrupted : EXIT.terminated;
    end(new CancelledError(`${how}: the job is cancelled`));
  };
  const onRejection = (error: unknown): void => {
    // A program that listens itself decides itself.
    if (process.listenerCount("unhandledRejection") === 1) end(error);
  };
  const onException = (error: unknown): void => {
    if (process.listenerCount("uncaughtException") === 1) end(error);
  };
  const stopListening = listenForSignals(onSignal);
  process.on("unhandledRejection", onRejection);
  process.on("uncaughtException", onException);
  return {
    received: promise,
    signal: abort.signal,
    check: () => {
      if (first !== undefined) throw first.error;
    },
    code: () => code,
    stop: () => {
      stopListening();
      process.off("unhandledRejection", onRejection);
      process.off("uncaughtException", onException);
    },
  };
}

function printFailure(error: unknown, isJson: boolean): void {
  print(isJson ? JSON.stringify({ kind: "failed", error: toWireError(error) }) : failureText(error));
}

function print(text: string): void {
  try {
    writeSync(2, `${text}\n`);
  } catch {
    // Nobody reads it; the exit code tells enough.
  }
}
