/**
 * What executions are known by from one driver of a program to the next: a hash of all that they are made of, without
 * what is different each time.
 */
import { createHash } from "node:crypto";
import { withOrigins } from "../../core/checkpoint/origins.ts";
import { fingerprint } from "../../core/graph/fingerprint.ts";
import type { Graph } from "../../core/graph/node.ts";
import { encode } from "../cbor.ts";

/** Ids of datasets within texts: `e12-j0123abcd.4`. */
const DATASET = /\be\d+-[A-Za-z0-9_-]+\.\d+/g;

type OriginOf = (dataset: string) => string;

/** @param params With references in the place of handles. */
export function executionDigest(graph: Graph, params: unknown, originOf: OriginOf): string {
  const hash = createHash("sha256");
  hash.update(`${graph.flow}\n${fingerprint(graph).join("\n")}`.replace(DATASET, originOf));
  return hash.update(encode(withOrigins(params, originOf))).digest("hex");
}
