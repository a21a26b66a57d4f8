/**
 * Ends a process that is asked to end by a signal while its program computes without a pause, so that nobody hears it:
 * a thread sees that within about a second, and from then on ends the process by a second signal, or some seconds after
 * the first one.
 *
 * Only Linux can. It does nothing while the process comes to its turn, and knows nothing of jobs; nothing is cleaned up.
 */
import { constants } from "node:os";
import { currentRuntime } from "./current_runtime.ts";
import type { SignalAction } from "./linux.ts";

/** A thread costs more than what most programs compute without a pause. */
const BEGIN_MS = 500;
const TICK_MS = 500;

/** What the thread shares with the process: the beats of the one that lives, and whether it is to end. */
const BEAT = 0;
const OVER = 1;

interface Order {
  readonly shared: Int32Array;
  readonly signals: readonly number[];
  readonly tickMs: number;
}

/**
 * The process listens to these signals.
 *
 * @returns What is to be called with each signal that was heard, and what ends it all.
 */
export function endWhenDeaf(names: readonly NodeJS.Signals[]): { heard(): void; stop(): void } {
  const signals = names.map((name) => constants.signals[name]);
  const shared = new Int32Array(new SharedArrayBuffer(8));
  let arm = (_isArmed: boolean): void => undefined;
  // Before the thread is there, the second one always ends the process.
  void currentRuntime().then(async (runtime) => {
    const act = await runtime.signalAction();
    if (act === undefined || shared[OVER] === 1) return;
    arm = (isArmed) => {
      for (const signal of signals) callOnce(act, signal, isArmed);
    };
    arm(true);
  });
  let beating: ReturnType<typeof setInterval> | undefined;
  const beginning = setTimeout(async () => {
    const runtime = await currentRuntime();
    if ((await runtime.signalAction()) === undefined || shared[OVER] === 1) return;
    arm(false);
    arm = () => undefined;
    beating = setInterval(() => Atomics.add(shared, BEAT, 1), TICK_MS / 2);
    beating.unref();
    const source = `(${watch.toString()})(${callOnce.toString()});`;
    runtime.startThread(source).send({ shared, signals, tickMs: TICK_MS } satisfies Order);
  }, BEGIN_MS);
  beginning.unref();
  return {
    heard: () => arm(true),
    stop: () => {
      Atomics.store(shared, OVER, 1);
      clearTimeout(beginning);
      clearInterval(beating);
      arm(false);
    },
  };
}

/**
 * Whether the handler of a signal is called for the next one only, and the one after ends the process. Nothing is
 * changed where there is no handler. It is sent to the thread as text, too.
 *
 * @returns Whether there is a handler.
 */
function callOnce(act: SignalAction, signal: number, isOnce: boolean | undefined): boolean {
  // A struct sigaction on 64 bits: the handler, and at 136 the flags.
  const action = new Uint8Array(152);
  act(signal, null, action);
  const view = new DataView(action.buffer);
  if (view.getBigUint64(0, true) === 0n) return false;
  const flags = view.getUint32(136, true) & ~0x8000_0000;
  view.setUint32(136, isOnce === true ? flags | 0x8000_0000 : flags, true);
  if (isOnce !== undefined) act(signal, action, null);
  return true;
}

/** All of the thread: it is sent there as text, so it uses nothing but what every runtime has. */
function watch(change: typeof callOnce): void {
  interface Foreign {
    dlopen(library: string, symbols: object): { readonly symbols: { readonly sigaction: SignalAction } };
    ptr(bytes: Uint8Array): Uint8Array;
  }
  const scope = globalThis as unknown as {
    readonly process: NodeJS.Process;
    readonly Deno?: Foreign;
    onmessage: (event: { readonly data: Order }) => void;
  };
  const { process } = scope;
  const LIMIT_MS = 5_000;

  const load = async (): Promise<SignalAction> => {
    const [result, parameters] = ["i32", ["i32", "buffer", "buffer"]];
    if (scope.Deno)
      return scope.Deno.dlopen("libc.so.6", { sigaction: { parameters, result } }).symbols.sigaction;
    const { dlopen, ptr } = (await import("bun:ffi")) as unknown as Foreign;
    const sigaction = { args: ["i32", "ptr", "ptr"], returns: "i32" };
    const { symbols } = dlopen("libc.so.6", { sigaction });
    return (signal, set, old) => symbols.sigaction(signal, set && ptr(set), old && ptr(old));
  };
  const hear = async ({ shared, signals, tickMs }: Order): Promise<void> => {
    const act = await load();
    const handlers = new Map<number, Uint8Array>();
    let seen = -1;
    let stillSince = performance.now();
    let askedAt: number | undefined;
    const timer = setInterval(() => {
      const now = performance.now();
      const beat = Atomics.load(shared, 0);
      const isAwake = beat !== seen;
      seen = beat;
      if (Atomics.load(shared, 1) === 1) {
        clearInterval(timer);
      } else if (isAwake) {
        stillSince = now;
        askedAt = undefined;
        // As they were: one that was called is not there any more.
        for (const [signal, action] of handlers) act(signal, action, null);
        handlers.clear();
      } else if (handlers.size > 0) {
        const asked = [...handlers.keys()].find((signal) => !change(act, signal, undefined));
        if (asked !== undefined) askedAt ??= now;
        if (asked !== undefined && now - (askedAt ?? now) > LIMIT_MS) process.kill(process.pid, asked);
      } else if (now - stillSince > 2 * tickMs) {
        for (const signal of signals) {
          const action = new Uint8Array(152);
          act(signal, null, action);
          if (change(act, signal, true)) handlers.set(signal, action);
        }
      }
    }, tickMs);
  };
  const begin = (order: Order): void => void hear(order).catch(() => undefined);
  if (scope.Deno === undefined) scope.onmessage = ({ data }) => begin(data);
  else process.getBuiltinModule("node:worker_threads").parentPort?.on("message", begin);
}
