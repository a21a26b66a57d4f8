/**
 * Shards that are harmed on their way from agent to agent: what is broken off, ends early or was turned is read again,
 * or computed again.
 */
import { freePort } from "../e2e/sshd.ts";
import { Random } from "../simulation/random.ts";
import { CorruptingProxy } from "./corrupting_proxy.ts";
import { disturb } from "./disturbed.ts";
import type { Family } from "./report.ts";
import { AGENTS } from "./scenario.ts";

/** Five losses of one task in a row end its execution. */
const MAX_HARMS = 4;

export const bodies: Family = {
  why: () => undefined,
  size: 10,
  run: async (seed, workload, undisturbed) => {
    const random = new Random(seed);
    let left = 1 + random.below(MAX_HARMS);
    const mayHarm = (): boolean => left > 0 && random.chance(4) && left-- > 0;
    const proxies: CorruptingProxy[] = [];
    const flags = new Map<string, readonly string[]>();
    for (let i = 0; i < AGENTS; i++) {
      const port = await freePort();
      const proxy = new CorruptingProxy(port, random, mayHarm);
      proxies.push(proxy);
      flags.set(`a${i}`, ["--port", `${port}`, "--advertise", `127.0.0.1:${proxy.port}`]);
    }
    const wrap = (role: string, command: readonly string[]) => [...command, ...(flags.get(role) ?? [])];
    try {
      return await disturb({ workload, undisturbed, size: 10, agents: AGENTS, wrap }, (disturbed) =>
        disturbed.run({
          mark: `seed-${seed}`,
          mustSucceed: true,
          names: /./,
          strike: async (driver) => {
            await driver.ended;
            const harmed = proxies.flatMap((proxy) => proxy.harmed);
            disturbed.story.push(...harmed);
            return { struck: harmed.length, missed: left };
          },
        }),
      );
    } finally {
      await Promise.all(proxies.map((proxy) => proxy.close()));
    }
  },
};
