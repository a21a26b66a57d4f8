/**
 * Brings the driver's program to one agent: asks what it has, sends the rest, and is sure at the end.
 *
 * What to send when is the sender's (core/program_blocks); here are requests and files.
 */
import { createHash } from "node:crypto";
import {
  fromWireError,
  LucioleError,
  ProgramMissingError,
  ProtocolError,
  type WireError,
} from "../../core/errors.ts";
import { BlockSender, type SenderCommand, type SenderEvent } from "../../core/program_blocks/block_sender.ts";
import {
  type BundleRef,
  hashOfBlock,
  type ProgramBlock,
  type ProgramRef,
  type ProgramReply,
} from "../../core/program_blocks/program_ref.ts";
import { decode, encode } from "../cbor.ts";
import { pause } from "../pause.ts";
import { CBOR, PROTOCOL, PROTOCOL_HEADER, ROUTES, type Transport } from "../protocol.ts";
import type { BlockReader, LocalProgram, SendableProgram } from "./local_program.ts";
import { ownProgram } from "./own_program.ts";
import { packBlock } from "./packed_blocks.ts";

export interface ShipOptions {
  /** The agent's id, for messages. */
  readonly agent: string;
  readonly signal?: AbortSignal;
}

/** Pauses grow from the first to the last with every request in vain. */
const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 2000;

/**
 * Brings a program to an agent.
 *
 * @returns What to name in the job's order there.
 * @throws {LucioleError} code "program-version" or "program-platform" when the agent cannot run it
 */
export async function shipProgram(
  transport: Transport,
  { program, executable }: LocalProgram,
  options: ShipOptions,
): Promise<ProgramRef> {
  const agent = new ProgramRequests(transport, options);
  try {
    return await sendAll(agent, program);
  } catch (error) {
    const isOther = error instanceof LucioleError && error.code === "program-version";
    const { ref } = program;
    if (!isOther || ref.kind !== "bundle" || executable === undefined) throw error;
    return await shipWithExecutable(agent, program as SendableProgram<BundleRef>, executable, error);
  }
}

/** The agent is of another version: this one's executable goes there too. */
async function shipWithExecutable(
  agent: ProgramRequests,
  program: SendableProgram<BundleRef>,
  executable: NonNullable<LocalProgram["executable"]>,
  refusal: LucioleError,
): Promise<ProgramRef> {
  const own = await ownProgram();
  const { platform, version } = refusal.fields;
  if (platform !== own.platform) {
    throw new LucioleError(
      "program-version",
      `Cannot run the program on agent ${agent.name}: it is luciole ${version} on ${platform}, this driver is ` +
        `${own.version} on ${own.platform}, whose executable cannot run there; have both of one version`,
      { fields: refusal.fields, cause: refusal },
    );
  }
  const sent = await executable();
  await sendAll(agent, sent);
  return await sendAll(agent, { ...program, ref: { ...program.ref, executable: sent.ref } });
}

async function sendAll(agent: ProgramRequests, program: SendableProgram): Promise<ProgramRef> {
  const { ref } = program;
  const { isPresent } = await agent.announce(ref);
  if (isPresent) return ref;
  const reader = await program.open();
  try {
    await new Shipment(agent, program, reader).run();
  } finally {
    await reader.close();
  }
  return ref;
}

/** Performs what a sender says until it is done. */
class Shipment {
  readonly #agent: ProgramRequests;
  readonly #program: SendableProgram;
  readonly #reader: BlockReader;
  readonly #sender = new BlockSender();
  readonly #over = Promise.withResolvers<void>();

  constructor(agent: ProgramRequests, program: SendableProgram, reader: BlockReader) {
    this.#agent = agent;
    this.#program = program;
    this.#reader = reader;
  }

  async run(): Promise<void> {
    const { ref, hashes } = this.#program;
    this.#apply(told(await this.#agent.announce(ref, hashes)));
    await this.#over.promise;
  }

  #apply(event: SenderEvent): void {
    for (const command of this.#sender.apply(event)) {
      this.#perform(command)
        .then((next) => {
          if (next !== undefined) this.#apply(next);
        })
        .catch((error) => this.#over.reject(error));
    }
  }

  /** @returns What came of it. */
  async #perform(command: SenderCommand): Promise<SenderEvent | undefined> {
    switch (command.kind) {
      case "done":
        this.#over.resolve();
        return undefined;
      case "fail":
        throw command.cause;
      case "send":
        return await this.#send(command);
      case "commit":
        return await this.#commit(command.vain);
    }
  }

  async #send({ batch, blocks, vain }: Extract<SenderCommand, { kind: "send" }>): Promise<SenderEvent> {
    const read = await Promise.all(blocks.map((block) => this.#read(block)));
    await pauseAfter(vain, this.#agent.signal);
    try {
      await this.#agent.put(this.#program.ref.sha256, read);
      return { kind: "taken", batch };
    } catch (error) {
      const cause = worthAnother(error, this.#agent.signal);
      if (error instanceof ProgramMissingError) this.#apply(await this.#tellAgain());
      return { kind: "failed", batch, cause };
    }
  }

  async #read(block: number): Promise<ProgramBlock> {
    const bytes = await this.#reader.read(block);
    const isSame =
      createHash("sha256").update(bytes).digest("hex") === hashOfBlock(this.#program.hashes, block);
    if (isSame) return { block, bytes };
    throw new LucioleError(
      "program",
      `Cannot send the program to agent ${this.#agent.name}: it was changed while it was sent`,
    );
  }

  async #commit(vain: number): Promise<SenderEvent> {
    await pauseAfter(vain, this.#agent.signal);
    try {
      return told(await this.#agent.commit(this.#program.ref.sha256));
    } catch (error) {
      if (error instanceof ProgramMissingError) return await this.#tellAgain();
      return { kind: "unheard", cause: worthAnother(error, this.#agent.signal) };
    }
  }

  /** Another driver was faster, or the agent does not know of it any more. */
  async #tellAgain(): Promise<SenderEvent> {
    const { ref, hashes } = this.#program;
    try {
      return told(await this.#agent.announce(ref, hashes));
    } catch (error) {
      return { kind: "unheard", cause: worthAnother(error, this.#agent.signal) };
    }
  }
}

function told({ isPresent, missing }: ProgramReply): SenderEvent {
  return { kind: "told", isPresent, missing };
}

/** Nothing is lost by trying again what may not have arrived; what the agent refuses it would refuse again. */
function worthAnother(error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted === true || (error instanceof LucioleError && !error.retryable)) throw error;
  return error;
}

async function pauseAfter(vain: number, signal: AbortSignal | undefined): Promise<void> {
  if (vain > 0) await pause(Math.min(FIRST_PAUSE_MS * 2 ** (vain - 1), LAST_PAUSE_MS), signal);
}

/** The requests to one agent, with its answers as values and errors. */
class ProgramRequests {
  readonly name: string;
  readonly #transport: Transport;
  readonly signal: AbortSignal | undefined;

  constructor(transport: Transport, { agent, signal }: ShipOptions) {
    this.name = agent;
    this.#transport = transport;
    this.signal = signal;
  }

  async announce(program: ProgramRef, hashes?: Uint8Array): Promise<ProgramReply> {
    const body = hashes === undefined ? { program } : { program, hashes };
    return (await this.#post(ROUTES.programs(), body)) as ProgramReply;
  }

  async put(sha256: string, blocks: readonly ProgramBlock[]): Promise<void> {
    await this.#post(ROUTES.programBlocks(sha256), {
      blocks: await Promise.all(blocks.map(packBlock)),
    });
  }

  async commit(sha256: string): Promise<ProgramReply> {
    return (await this.#post(ROUTES.programCommit(sha256), {})) as ProgramReply;
  }

  async #post(path: string, body: object): Promise<unknown> {
    const response = await this.#transport.fetch(path, {
      method: "POST",
      headers: { [PROTOCOL_HEADER]: String(PROTOCOL), "content-type": CBOR },
      body: encode(body) as Uint8Array<ArrayBuffer>,
      ...(this.signal === undefined ? {} : { signal: this.signal }),
    });
    const answer = new Uint8Array(await response.arrayBuffer());
    if (response.status === 204) return undefined;
    let value: unknown;
    try {
      value = decode(answer);
    } catch {
      throw new ProtocolError(`Cannot POST ${path}: agent ${this.name} answered ${response.status}`);
    }
    if (response.ok) return value;
    throw fromWireError(value as WireError);
  }
}
