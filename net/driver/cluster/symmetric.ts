/**
 * The parts of a symmetric run: rank 0 has a master and an agent beside its driver, every other rank is an agent
 * until rank 0 has gone.
 *
 * Nobody tells the others that it is over: a master that was there and is no more says it.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { MASTER_PORT, parseAddress } from "../../../core/cluster/address.ts";
import { compileAgentConfig, compileMasterConfig, type SecurityFiles } from "../../../core/cluster/config.ts";
import type { Symmetric } from "../../../core/cluster/symmetric.ts";
import { LucioleError } from "../../../core/errors.ts";
import type { RunFlags } from "../../../core/program/run_flags.ts";
import { isLoopback } from "../../../core/security/bind.ts";
import { RunningAgent } from "../../agent/main.ts";
import { startMaster } from "../../master/main.ts";
import { pause } from "../../pause.ts";
import { thisMachine } from "../../runtime/machine.ts";
import { openClusterClient } from "./cluster_client.ts";

interface Part {
  readonly symmetric: Symmetric;
  readonly security: SecurityFiles;
  /** Told what an operator may want to know. */
  readonly onNotice: (text: string) => void;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** What rank 0 has beside its driver. */
export interface SymmetricHead {
  close(): Promise<void>;
}

/** How long ranks wait for each other. */
const PATIENCE_MS = 120_000;
const LOOK_MS = 250;
/** A master that is silent so often, one look after the other, has gone. */
const GONE_LOOKS = 4;

/** Begins a symmetric run. @returns Undefined when this rank was an agent, and has ended. */
export async function enterSymmetric(
  flags: RunFlags,
  symmetric: Symmetric,
  signal: AbortSignal,
): Promise<SymmetricHead | undefined> {
  const security = flags.cluster?.security ?? { tls: {}, isInsecure: false };
  const part: Part = { symmetric, security, onNotice: printWarnings, signal };
  if (symmetric.rank === 0) return startHead(part);
  await serveRank(part);
  return undefined;
}

/** Comings and goings of ranks are the job's own affair. */
function printWarnings(text: string): void {
  if (text.startsWith("warning: ")) process.stderr.write(`${text}\n`);
}

async function startHead(part: Part): Promise<SymmetricHead> {
  const config = compileMasterConfig(textsOf(part, part.symmetric.head), {}, thisMachine());
  const master = await startMaster(config, part.onNotice);
  let rank: Rank | undefined;
  const close = async (): Promise<void> => {
    await (rank?.close() ?? Promise.resolve()).finally(() => master.close());
  };
  try {
    rank = await startRank(part);
    await awaitRanks(part);
    return { close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** An agent until rank 0 has gone. @throws {LucioleError} When rank 0 never came, or refuses this rank. */
async function serveRank(part: Part): Promise<void> {
  const { signal } = part;
  const rank = await startRank(part);
  try {
    const refused = rank.agent.refused.then((error) => {
      throw error;
    });
    await Promise.race([headGone(part), refused]);
  } finally {
    await rank.close();
  }
  signal.throwIfAborted();
}

interface Rank {
  readonly agent: RunningAgent;
  close(): Promise<void>;
}

async function startRank(part: Part): Promise<Rank> {
  const { symmetric, onNotice } = part;
  const { rank, head, host, slots, localRanks } = symmetric;
  const machine = thisMachine();
  const share = {
    ...machine,
    cores: slots ?? Math.max(1, Math.floor(machine.cores / localRanks)),
    memoryBytes: Math.floor(machine.memoryBytes / localRanks),
  };
  const directory = mkdtempSync(join(tmpdir(), "luciole-rank-"));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  const texts = {
    ...textsOf(part, undefined),
    name: `rank-${rank}`,
    master: head,
    "data-dir": directory,
    ...(isLoopback(hostOf(head)) ? {} : { advertise: host ?? machine.hostname }),
  };
  try {
    const agent = await RunningAgent.start(compileAgentConfig(texts, {}, share), onNotice);
    const onExit = (): void => {
      agent.abandon();
      remove();
    };
    process.once("exit", onExit);
    const close = async (): Promise<void> => {
      process.off("exit", onExit);
      await agent.close().finally(remove);
    };
    return { agent, close };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Resolves when all ranks are there, or no more come. */
async function awaitRanks({ symmetric, security, onNotice, signal }: Part): Promise<void> {
  const { ranks = 1, head } = symmetric;
  const client = await openClusterClient({ masters: [head], security });
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const { agents } = await client.cluster();
    const there = agents.filter(({ state }) => state === "alive").length;
    if (there >= ranks) return;
    if (performance.now() > until) {
      onNotice(`warning: only ${there} of ${ranks} ranks have come; going on with them`);
      return;
    }
    await pause(LOOK_MS, signal);
    signal.throwIfAborted();
  }
}

/** @throws {LucioleError} When it never came. */
async function headGone({ symmetric, security, signal }: Part): Promise<void> {
  const client = await openClusterClient({ masters: [symmetric.head], security });
  const until = performance.now() + PATIENCE_MS;
  let wasThere = false;
  let looks = 0;
  while (looks < GONE_LOOKS) {
    try {
      await client.cluster();
      wasThere = true;
      looks = 0;
    } catch (error) {
      const isAway = error instanceof LucioleError && error.code === "unreachable";
      // It may come yet; whoever else is there will not go.
      if (!isAway || (!wasThere && performance.now() > until)) throw error;
      if (wasThere) looks++;
    }
    await pause(LOOK_MS, signal);
    signal.throwIfAborted();
  }
}

/** Settings of masters and agents alike; `address` where it listens, else at any port. */
function textsOf({ symmetric, security }: Part, address: string | undefined): Record<string, string> {
  const { tokenFile, tls, isInsecure } = security;
  const headHost = hostOf(symmetric.head);
  const port = address === undefined ? 0 : (parseAddress(address, MASTER_PORT)?.port ?? MASTER_PORT);
  const texts = {
    host: isLoopback(headHost) ? headHost : "0.0.0.0",
    port: String(port),
    "token-file": tokenFile,
    "tls-cert": tls.cert,
    "tls-key": tls.key,
    "tls-ca": tls.ca,
    insecure: isInsecure ? "true" : undefined,
  };
  return Object.fromEntries(
    Object.entries(texts).flatMap(([name, text]) => (text === undefined ? [] : [[name, text]])),
  );
}

function hostOf(address: string): string {
  return parseAddress(address, MASTER_PORT)?.host ?? address;
}
