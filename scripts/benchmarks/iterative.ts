/**
 * What loops, messages, collectives and scaling cost: a table for each section, printed as soon as it is there.
 */
import { run as collectives } from "./collectives.ts";
import { run as iterations } from "./iterations.ts";
import { run as messages } from "./messages.ts";
import { markdown } from "./report.ts";
import { run as scaling } from "./scaling.ts";
import type { Section, SectionOptions } from "./section.ts";

const SECTIONS: Readonly<Record<string, Section>> = { iterations, messages, collectives, scaling };

export async function measureIterative(options: SectionOptions): Promise<void> {
  for (const [name, run] of Object.entries(SECTIONS)) {
    console.error(`measuring ${name}`);
    const { title, head, rows } = await run(options);
    const line = head.map((_, i) => (i === 0 ? "---" : "---:"));
    console.log(`\n### ${title}\n\n${markdown([head, line, ...rows])}`);
  }
}
