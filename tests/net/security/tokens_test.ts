/** X1: what a request without a good token gets, on every route of an agent that is served over TCP. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { signToken } from "../../../core/security/token.ts";
import { createMaster } from "../../../net/master/master.ts";
import { PROTOCOL, PROTOCOL_HEADER } from "../../../net/protocol.ts";
import { guarded } from "../../../net/security/authenticate.ts";
import {
  authHeaders,
  clusterToken,
  jobToken,
  secretCredentials,
  tokenCredentials,
} from "../../../net/security/client_auth.ts";
import { NOW, otherSecret, ServedAgent, secret } from "./served_agent.ts";

const JOB = "j1";
const MINUTE = 60_000;
let agent: ServedAgent;

beforeAll(async () => {
  agent = await ServedAgent.open();
  await agent.world.startJob();
});

afterAll(async () => {
  expect(await agent.close()).toEqual([]);
});

const claims = { scope: "cluster", notBefore: NOW, notAfter: NOW } as const;
const good = clusterToken(secret, NOW);
const [version, body, signature] = good.split(".");

const BAD: readonly (readonly [string, string | undefined, string])[] = [
  ["no token", undefined, "missing"],
  ["an empty token", "", "malformed"],
  ["a word", "hello", "malformed"],
  ["the parts of a token", `${version}.${body}`, "malformed"],
  ["a token of another format", `v2.${body}.${signature}`, "malformed"],
  ["a token with a part more", `${good}.x`, "malformed"],
  ["a token that is much too long", `v1.${"A".repeat(5000)}.${signature}`, "malformed"],
  ["a token with no signature", `${version}.${body}.AA`, "signature"],
  ["a token with other claims", `${version}.${body?.slice(0, -4)}AAAA.${signature}`, "signature"],
  ["a token of another secret", clusterToken(otherSecret, NOW), "signature"],
  ["an expired token", signToken(secret, { ...claims, notAfter: NOW - 2 * MINUTE }), "expired"],
  ["a token of the future", signToken(secret, { ...claims, notBefore: NOW + 2 * MINUTE }), "notYetValid"],
  ["a token of another job", jobToken(secret, "j2", NOW), "otherJob"],
  ["claims of a strange form", signToken(secret, { ...claims, scope: "root" } as never), "malformed"],
];

describe("X1: every route of an agent", () => {
  test("is known to these tests", () => {
    expect(agent.routes(JOB).length).toBeGreaterThan(15);
  });

  test.each(BAD)("refuses %s", async (_, token, reason) => {
    const strange = [
      ...agent.routes(JOB),
      { method: "GET", path: "/" },
      { method: "POST", path: "/v1/nothing" },
    ];
    for (const { method, path } of strange) {
      const answer = await agent.send(method, path, token === undefined ? {} : { token });
      expect({ path, ...answer }).toMatchObject({
        path,
        status: 401,
        version: "1",
        error: { code: "auth", fields: { reason } },
      });
    }
    expect(agent.world.workers.length).toBe(1);
  });

  test("takes a token of the cluster", async () => {
    for (const { method, path } of agent.routes("j9")) {
      expect((await agent.send(method, path, { token: good })).status).not.toBe(401);
    }
  });

  test("takes a token of a job for its shards, and for nothing else: not to start or end it", async () => {
    const token = jobToken(secret, "j9", NOW);
    for (const { method, path, isShard } of agent.routes("j9")) {
      const { status } = await agent.send(method, path, { token });
      expect({ method, path, isRefused: status === 401 }).toEqual({ method, path, isRefused: !isShard });
    }
    const shard = "shards/a1/0";
    for (const path of [`/v1/jobs/j9x/${shard}`, `/v1//jobs/j9/${shard}`, `/v1/jobs/j9%2f..%2fj1/${shard}`]) {
      expect((await agent.send("GET", path, { token })).status).toBe(401);
    }
  });

  test("has none for workers: they use its socket", async () => {
    for (const path of ["/v1/workers/0/next", "/v1/workers/0/peers?job=j1"]) {
      for (const method of ["GET", "POST"]) {
        expect((await agent.send(method, path, { token: good })).status).toBe(404);
      }
    }
  });

  test("takes clocks that differ by less than a minute", async () => {
    for (const [notBefore, notAfter] of [
      [NOW - MINUTE, NOW - MINUTE + 1000],
      [NOW + MINUTE - 1000, NOW + MINUTE],
    ]) {
      const token = signToken(secret, { scope: "cluster", notBefore, notAfter });
      expect((await agent.send("GET", "/v1/agent", { token })).status).toBe(200);
    }
  });

  test("tells of clocks what their owner needs to know, and of secrets nothing", async () => {
    const token = signToken(secret, { ...claims, notAfter: NOW - 3 * MINUTE });
    const { error } = await agent.send("GET", "/v1/agent", { token });
    expect(error?.message).toBe(
      "Cannot take the request: its token expired 180 s ago by this machine's clock",
    );
    expect(error?.fields.now).toBe(NOW);
    expect(JSON.stringify(error)).not.toContain(token.split(".")[2] ?? "none");
  });
});

describe("X1: every route of a master", () => {
  const master = createMaster({ id: "m", version: "1" });
  const handler = guarded(master, { secret, clock: () => NOW });
  const routes = master.app.routes.filter(({ method }) => method !== "ALL");
  const statusOf = async (method: string, path: string, token: string | undefined) => {
    const headers = { ...(token !== undefined && authHeaders(token)), [PROTOCOL_HEADER]: String(PROTOCOL) };
    return (await handler(new Request(`http://localhost${path}`, { method, headers }), () => {})).status;
  };
  afterAll(() => master.close());

  test.each(BAD)("refuses %s", async (_, token) => {
    for (const { method, path } of [...routes, { method: "GET", path: "/" }]) {
      expect({ path, status: await statusOf(method, path, token) }).toEqual({ path, status: 401 });
    }
  });

  test("takes a token of the cluster", async () => {
    expect(routes.length).toBeGreaterThan(4);
    for (const { method, path } of routes) expect(await statusOf(method, path, good)).not.toBe(401);
  });
});

describe("an agent without a secret", () => {
  test("takes what comes to this machine's own names, and no page's", async () => {
    const open = await ServedAgent.open({ secret: undefined });
    const statusFor = async (host: string) =>
      (await open.send("GET", "/v1/agent", { headers: { host } })).status;
    for (const host of ["localhost:7401", "127.0.0.1", `127.0.0.1:${open.port}`, "[::1]:7401"]) {
      expect(await statusFor(host)).toBe(200);
    }
    for (const host of ["evil.example:7401", "127.0.0.1.evil.example", "10.0.0.1", "localhost.evil"]) {
      expect(await statusFor(host)).toBe(401);
    }
    expect(await open.close()).toEqual([]);
  });

  test("takes any name when its user said that it is insecure", async () => {
    const open = await ServedAgent.open({ secret: undefined, isInsecure: true });
    expect((await open.send("GET", "/v1/agent", { headers: { host: "node7" } })).status).toBe(200);
    expect(await open.close()).toEqual([]);
  });
});

describe("secretCredentials()", () => {
  test("signs anew before a token ages, and when the clock is set back", () => {
    let now = NOW;
    const credentials = secretCredentials(secret, () => now);
    const first = credentials.headers();
    now += MINUTE;
    expect(credentials.headers()).toBe(first);
    now += 2 * MINUTE;
    const second = credentials.headers();
    expect(second).not.toEqual(first);
    now -= 60 * MINUTE;
    expect(credentials.headers()).toEqual({ authorization: `Bearer ${clusterToken(secret, now)}` });
  });
});

describe("tokenCredentials()", () => {
  test("shows its token", () => {
    expect(tokenCredentials("t").headers()).toEqual({ authorization: "Bearer t" });
  });
});
