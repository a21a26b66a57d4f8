/**
 * The routes of an agent by which programs come to it.
 */
import type { Hono } from "hono";
import { ProtocolError } from "../../../core/errors.ts";
import {
  BLOCK_BYTES,
  type BundleRef,
  blockCount,
  type ExecutableRef,
  HASH_BYTES,
  MAX_PROGRAM_BYTES,
  type ProgramRef,
  SHA256_PATTERN,
} from "../../../core/program_blocks/program_ref.ts";
import { decodeBody, type Fields, fields, list, malformed, natural, readBytes, text } from "../../fields.ts";
import { unpackBlock } from "../../program/packed_blocks.ts";
import { done, value } from "../../replies.ts";
import type { ProgramCache } from "./program_cache.ts";

const MAX_BLOCKS = 64;
const MAX_BLOCKS_BODY = MAX_BLOCKS * (BLOCK_BYTES + 64);
const MAX_ANNOUNCE_BODY = blockCount(MAX_PROGRAM_BYTES) * HASH_BYTES + 4096;
const PLATFORM_PATTERN = /^[a-z0-9]{1,20}-[a-z0-9]{1,20}$/;
const VERSION_PATTERN = /^[0-9A-Za-z.+-]{1,100}$/;

export function addProgramRoutes(app: Hono, programs: ProgramCache): void {
  app.post("/v1/programs", async (context) => {
    const { program, hashes } = await bodyOf(context.req.raw, MAX_ANNOUNCE_BODY);
    const ref = programRef(fields(program, "program"));
    if (hashes === undefined) return value(await programs.announce(ref));
    if (!(hashes instanceof Uint8Array)) throw malformed("hashes", "bytes", hashes);
    return value(await programs.announce(ref, hashes));
  });
  app.post("/v1/programs/:sha256/blocks", async (context) => {
    const sha256 = checkHash(context.req.param("sha256"), "sha256");
    const { blocks } = await bodyOf(context.req.raw, MAX_BLOCKS_BODY);
    await programs.put(sha256, await Promise.all(list(blocks, "blocks").map(unpackBlock)));
    return done();
  });
  app.post("/v1/programs/:sha256/commit", async (context) =>
    value(await programs.commit(checkHash(context.req.param("sha256"), "sha256"))),
  );
}

/** Checks what a body says of a program. @throws {ProtocolError} */
export function programRef(body: Fields): ProgramRef {
  if (body.kind === "executable") return executableRef(body);
  if (body.kind !== "bundle") throw malformed("program.kind", "executable or bundle", body.kind);
  const { version, executable } = body;
  const ref: BundleRef = { kind: "bundle", ...contentOf(body) };
  return {
    ...ref,
    ...(version === undefined ? {} : { version: matching(version, VERSION_PATTERN, "program.version") }),
    ...(executable === undefined
      ? {}
      : { executable: executableRef(fields(executable, "program.executable")) }),
  };
}

function executableRef(body: Fields): ExecutableRef {
  return {
    kind: "executable",
    ...contentOf(body),
    platform: matching(body.platform, PLATFORM_PATTERN, "program.platform"),
  };
}

function contentOf(body: Fields): { readonly sha256: string; readonly sizeBytes: number } {
  const sizeBytes = natural(body.sizeBytes, "program.sizeBytes");
  if (sizeBytes > MAX_PROGRAM_BYTES) {
    throw malformed("program.sizeBytes", `at most ${MAX_PROGRAM_BYTES}`, sizeBytes);
  }
  return { sha256: checkHash(body.sha256, "program.sha256"), sizeBytes };
}

function checkHash(value: unknown, name: string): string {
  return matching(value, SHA256_PATTERN, name);
}

function matching(value: unknown, pattern: RegExp, name: string): string {
  const seen = text(value, name);
  if (pattern.test(seen)) return seen;
  throw malformed(name, `like ${pattern.source}`, seen);
}

async function bodyOf(request: Request, maxBytes: number): Promise<Fields> {
  const body = fields(decodeBody(await readBytes(request, maxBytes)), "body");
  if (Array.isArray(body.blocks) && body.blocks.length > MAX_BLOCKS) {
    throw new ProtocolError(`Cannot take the request: ${body.blocks.length} blocks are over ${MAX_BLOCKS}`);
  }
  return body;
}
