/**
 * Has Bun's bundler take this engine for `import … from "luciole"`, whatever the user's folder holds.
 */
import { fileURLToPath } from "node:url";
import { embeddedEngine } from "./embedded_engine.ts";

/** The source that scripts/build embeds or, in a checkout, mod.ts. */
export function engineResolver(): Bun.BunPlugin {
  const embedded = embeddedEngine();
  return {
    name: "luciole",
    setup: (bundler) => {
      bundler.onResolve({ filter: /^luciole$/ }, () =>
        embedded === undefined
          ? { path: fileURLToPath(new URL("../../mod.ts", import.meta.url)) }
          : { path: "engine", namespace: "luciole" },
      );
      bundler.onLoad({ filter: /^engine$/, namespace: "luciole" }, async () => ({
        contents: (await embedded?.text()) ?? "",
        loader: "js",
      }));
    },
  };
}
