/** X2: where a role may listen. */
import { describe, expect, test } from "bun:test";
import { checkBind, isLoopback } from "../../../core/security/bind.ts";

const LOOPBACK = ["localhost", "LOCALHOST", "127.0.0.1", "127.255.3.4", "::1", "[::1]", "::ffff:127.0.0.1"];
const OTHERS = [
  "0.0.0.0",
  "::",
  "[::]",
  "",
  "10.0.0.1",
  "128.0.0.1",
  "localhost.evil",
  "127.0.0.1.evil",
  "127.1",
  "node7",
  "::2",
];

describe("X2: checkBind()", () => {
  test.each(LOOPBACK)("allows %s without a secret", (hostname) => {
    expect(isLoopback(hostname)).toBe(true);
    expect(checkBind(hostname, {})).toBeUndefined();
  });

  test.each(OTHERS)("refuses %p without a secret", (hostname) => {
    expect(() => checkBind(hostname, {})).toThrow("it is no loopback address");
    expect(() => checkBind(hostname, { isInsecure: false })).toThrow("make a secret with `luciole token");
  });

  test.each(OTHERS)("allows %p with a secret, or aloud", (hostname) => {
    expect(checkBind(hostname, { secret: {} })).toBeUndefined();
    expect(checkBind(hostname, { isInsecure: true })).toContain("without a secret");
    expect(checkBind(hostname, { secret: {}, isInsecure: true })).toBeUndefined();
  });
});
