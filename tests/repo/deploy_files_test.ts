/** The unit files and the Dockerfile: that they fit to what scripts/build makes and to the settings there are. */
import { describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AGENT_PORT, MASTER_PORT } from "../../core/cluster/address.ts";
import { compileAgentConfig, compileMasterConfig } from "../../core/cluster/config.ts";
import { checkVariables } from "../../core/cluster/variables.ts";
import { ROOT } from "./sources.ts";

const MACHINE = { hostname: "h", home: "/h", cores: 2, memoryBytes: 2 ** 33 };
const read = (name: string) => readFileSync(join(ROOT, "scripts/deploy", name), "utf8");

/** The LUCIOLE_* variables that a file sets. */
function variablesIn(text: string): Record<string, string> {
  const lines = text.split("\n").filter((line) => /^(Environment=|ENV )/.test(line));
  return Object.fromEntries(
    lines.flatMap((line) =>
      Array.from(line.matchAll(/(LUCIOLE_\w+)=(\S+)/g), ([, name, value]) => [name, value]),
    ),
  );
}

describe("Dockerfile", () => {
  const text = read("Dockerfile");
  const instruction = (name: string) => new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1] ?? "";

  test("copies what scripts/build makes, and starts that", () => {
    const [, source, target] = instruction("COPY").split(" ");
    expect(source).toBe("dist/luciole");
    expect(readFileSync(join(ROOT, "scripts/build"), "utf8")).toContain(`mv -f "$work/luciole" ${source}`);
    expect(JSON.parse(instruction("ENTRYPOINT"))).toEqual([target]);
    expect(read("Dockerfile.dockerignore").trim().split("\n")).toEqual(["*", `!${source}`]);
  });

  test("runs as a user of its own in a directory of that user", () => {
    const user = instruction("USER");
    expect(user).not.toMatch(/^(root|0)?$/);
    expect(instruction("RUN")).toMatch(new RegExp(`useradd .*--home-dir ${instruction("WORKDIR")} ${user}$`));
    expect(instruction("EXPOSE")).toBe(`${MASTER_PORT} ${AGENT_PORT}`);
  });

  test("sets variables that roles read", () => {
    const variables = variablesIn(text);
    checkVariables(variables, []);
    expect(compileAgentConfig({}, variables, MACHINE)).toMatchObject({
      host: "0.0.0.0",
      directory: `${instruction("WORKDIR")}/agent`,
      advertise: { host: "h" },
    });
  });
});

describe.each(["master", "agent"] as const)("luciole-%s.service", (role) => {
  const text = read(`luciole-${role}.service`);

  test("starts its role with variables that it reads", () => {
    expect(text).toContain(`\nExecStart=/usr/local/bin/luciole --role ${role}\n`);
    const variables = variablesIn(text);
    checkVariables(variables, []);
    const compile = role === "master" ? compileMasterConfig : compileAgentConfig;
    expect(compile({}, variables, MACHINE)).toMatchObject({
      host: "0.0.0.0",
      security: { tokenFile: "/etc/luciole/token" },
    });
  });

  test("is what systemd takes", () => {
    if (Bun.which("systemd-analyze") === null) {
      console.warn(`luciole-${role}.service is not verified: there is no systemd-analyze here`);
      return;
    }
    const folder = mkdtempSync(join(tmpdir(), "luciole-units-"));
    try {
      const executable = join(folder, "luciole");
      writeFileSync(executable, "#!/bin/sh\n");
      chmodSync(executable, 0o755);
      const unit = join(folder, `luciole-${role}.service`);
      writeFileSync(unit, text.replace("ExecStart=/usr/local/bin/luciole", `ExecStart=${executable}`));
      const { exitCode, stderr } = Bun.spawnSync(["systemd-analyze", "verify", "--man=no", unit], {
        stderr: "pipe",
      });
      const about = stderr
        .toString()
        .split("\n")
        .filter((line) => line.includes(`luciole-${role}`));
      expect({ exitCode, about }).toEqual({ exitCode: 0, about: [] });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
