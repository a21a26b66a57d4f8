/** The scripts of `luciole deploy`, run by this machine's own shell in a home of their own. */
import { afterEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import {
  type DeployedRole,
  forgetScript,
  placeScript,
  probeScript,
  quote,
  readAnswer,
  startScript,
  stopScript,
} from "../../../core/deploy/scripts.ts";

/** Stands for the executable: it says what it was started with, and listens until it is ended. */
const FAKE = `#!/bin/sh
case "$*" in *fail*) echo "error: no such thing" >&2; exit 2 ;; esac
echo "$*"
echo "agent x listens on 127.0.0.1:1"
trap 'echo ended; exit 0' TERM
while :; do sleep 0.05; done
`;

const HOST = hostname();
const homes: string[] = [];

function newHome(directory: string): string {
  const home = mkdtempSync(join(tmpdir(), "luciole-home-"));
  homes.push(home);
  mkdirSync(join(home, directory, "bin"), { recursive: true });
  const file = join(home, directory, "bin/luciole");
  writeFileSync(file, FAKE);
  chmodSync(file, 0o700);
  return home;
}

async function sh(home: string, script: string): Promise<ReadonlyMap<string, string>> {
  const child = Bun.spawn(["sh", "-s"], {
    stdin: new Blob([script]),
    stdout: "pipe",
    stderr: "inherit",
    env: { PATH: process.env.PATH ?? "", HOME: home },
  });
  const text = await new Response(child.stdout).text();
  expect(await child.exited).toBe(0);
  return readAnswer(text);
}

const DIRECTORY = "it's a dir";
const agent = (changes: Partial<DeployedRole> = {}): DeployedRole => ({
  role: "agent",
  args: ["--labels", "a='b c' $HOME"],
  stamp: "s1",
  ...changes,
});

afterEach(async () => {
  for (const home of homes.splice(0)) {
    await sh(home, stopScript(DIRECTORY));
    rmSync(home, { recursive: true });
  }
});

describe("startScript()", () => {
  const log = (home: string) => readFileSync(join(home, DIRECTORY, `agent-${HOST}.log`), "utf8");
  const pid = (home: string) => readFileSync(join(home, DIRECTORY, `agent-${HOST}.pid`), "utf8");

  test("starts a role with its arguments as they are, once", async () => {
    const home = newHome(DIRECTORY);
    expect(await sh(home, startScript(DIRECTORY, agent()))).toEqual(new Map([["state", "started"]]));
    expect(log(home)).toStartWith("--role agent --labels a='b c' $HOME\n");
    const first = pid(home);
    expect(await sh(home, startScript(DIRECTORY, agent()))).toEqual(new Map([["state", "running"]]));
    expect(pid(home)).toBe(first);
    expect((await sh(home, probeScript(DIRECTORY))).get("agent")).toBe("s1");
  });

  test("starts it anew when it is to be another", async () => {
    const home = newHome(DIRECTORY);
    await sh(home, startScript(DIRECTORY, agent()));
    const first = pid(home);
    expect((await sh(home, startScript(DIRECTORY, agent({ stamp: "s2" })))).get("state")).toBe("started");
    expect(pid(home)).not.toBe(first);
    expect(readFileSync(join(home, DIRECTORY, `agent-${HOST}.log.1`), "utf8")).toEndWith("ended\n");
    expect((await sh(home, probeScript(DIRECTORY))).get("agent")).toBe("s2");
  });

  test("tells why one ended at once", async () => {
    const home = newHome(DIRECTORY);
    const answer = await sh(home, startScript(DIRECTORY, agent({ args: ["--fail"] })));
    expect(Object.fromEntries(answer)).toEqual({ state: "failed", why: "error: no such thing" });
    expect(existsSync(join(home, DIRECTORY, `agent-${HOST}.pid`))).toBe(false);
  });

  test("takes no other process for the one that it started", async () => {
    const home = newHome(DIRECTORY);
    writeFileSync(join(home, DIRECTORY, `agent-${HOST}.pid`), String(process.pid));
    writeFileSync(join(home, DIRECTORY, `agent-${HOST}.stamp`), "s1");
    expect((await sh(home, probeScript(DIRECTORY))).has("agent")).toBe(false);
    expect((await sh(home, startScript(DIRECTORY, agent()))).get("state")).toBe("started");
  });
});

describe("stopScript()", () => {
  test("ends what runs, and is fine with what does not", async () => {
    const home = newHome(DIRECTORY);
    await sh(home, startScript(DIRECTORY, agent()));
    await sh(home, startScript(DIRECTORY, agent({ role: "master" })));
    expect(Object.fromEntries(await sh(home, stopScript(DIRECTORY)))).toEqual({
      agent: "stopped",
      master: "stopped",
    });
    expect(Object.fromEntries(await sh(home, stopScript(DIRECTORY)))).toEqual({
      agent: "none",
      master: "none",
    });
    expect(Object.fromEntries(await sh(home, stopScript("nowhere")))).toEqual({
      agent: "none",
      master: "none",
    });
  });
});

describe("probeScript()", () => {
  test("makes the directory for its owner alone, and tells of the host", async () => {
    const home = newHome("other");
    const answer = await sh(home, probeScript(DIRECTORY));
    expect(answer.get("system")).toBe(process.platform === "linux" ? "Linux" : "Darwin");
    expect(answer.get("sha")).toBe("");
    expect(statSync(join(home, DIRECTORY)).mode & 0o777).toBe(0o700);
    const known = await sh(home, probeScript("other"));
    expect(known.get("sha")).toBe(new Bun.CryptoHasher("sha256").update(FAKE).digest("hex"));
  });
});

describe("placeScript()", () => {
  const files = [{ name: "token", mode: "600" }];

  test("puts files in place with their modes", async () => {
    const home = newHome(DIRECTORY);
    const path = join(home, DIRECTORY, "token");
    writeFileSync(path, "old", { mode: 0o644 });
    writeFileSync(`${path}.x1`, "new", { mode: 0o644 });
    await sh(home, placeScript(DIRECTORY, "x1", files));
    expect([readFileSync(path, "utf8"), statSync(path).mode & 0o777, existsSync(`${path}.x1`)]).toEqual([
      "new",
      0o600,
      false,
    ]);
  });

  test("is undone by forgetScript()", async () => {
    const home = newHome(DIRECTORY);
    const path = join(home, DIRECTORY, "token.x1");
    writeFileSync(path, "new");
    await sh(home, forgetScript(DIRECTORY, "x1", files));
    expect(existsSync(path)).toBe(false);
  });
});

test("quote() makes one word of anything", async () => {
  const home = newHome(DIRECTORY);
  const text = 'a\'b "c" $(touch x) `y` \\ *';
  expect((await sh(home, `printf 'word=%s\\n' ${quote(text)}`)).get("word")).toBe(text);
});
