/**
 * Whether an executable can start on this machine, told before it is tried: an error of the
 * system would say "no such file" of one that is there.
 *
 * Reads the head of ELF files; of others, and of libraries, the system's own message must do.
 */
import { Buffer } from "node:buffer";
import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import process from "node:process";
import { LucioleError } from "../../../core/errors.ts";

const HEAD_BYTES = 64;
const ELF = 0x7f454c46;
const PT_INTERP = 3;
const MAX_HEADERS = 100;
const MAX_PATH = 4096;
/** e_machine by the name that the runtime has for it. */
const MACHINES: Readonly<Record<string, number>> = {
  x64: 62,
  arm64: 183,
  riscv64: 243,
  ppc64: 21,
  s390x: 22,
};

/**
 * @param where Names the machine, for the message.
 * @throws {LucioleError} code "program-start"
 */
export async function checkExecutable(path: string, where: string): Promise<void> {
  if (process.platform !== "linux") return;
  const reason = await refusal(path);
  if (reason !== undefined) {
    throw new LucioleError("program-start", `Cannot start the program on ${where}: ${reason}`);
  }
}

async function refusal(path: string): Promise<string | undefined> {
  await using file = await open(path);
  const read = async (position: number, length: number): Promise<Buffer> => {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  };
  const head = await read(0, HEAD_BYTES);
  if (head.length < HEAD_BYTES || head.readUInt32BE(0) !== ELF) return "it is no executable of Linux";
  const is64 = head[4] === 2;
  const isLittle = head[5] === 1;
  const machine = isLittle ? head.readUInt16LE(18) : head.readUInt16BE(18);
  if (machine !== (MACHINES[process.arch] ?? machine)) {
    const name = Object.entries(MACHINES).find(([, number]) => number === machine)?.[0];
    return `it is made for ${name ?? `processors of kind ${machine}`}`;
  }
  if (!is64 || !isLittle) return undefined;
  const interpreter = await interpreterOf(head, read);
  return interpreter === undefined || existsSync(interpreter)
    ? undefined
    : `it needs ${interpreter}, which is missing there`;
}

async function interpreterOf(
  head: Buffer,
  read: (position: number, length: number) => Promise<Buffer>,
): Promise<string | undefined> {
  const size = head.readUInt16LE(54);
  const count = Math.min(head.readUInt16LE(56), MAX_HEADERS);
  const headers = await read(Number(head.readBigUInt64LE(32)), size * count);
  for (let at = 0; at + 56 <= headers.length; at += size) {
    if (headers.readUInt32LE(at) !== PT_INTERP) continue;
    const length = Math.min(Number(headers.readBigUInt64LE(at + 32)), MAX_PATH);
    const text = await read(Number(headers.readBigUInt64LE(at + 8)), length);
    return text.toString("utf8").replace(/\0.*$/s, "");
  }
  return undefined;
}
