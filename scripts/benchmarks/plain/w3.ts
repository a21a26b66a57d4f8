/** W3 as one writes it without an engine: users in a Map, sums in another one. */
import { createReadStream, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [orders = "", users = "", output = ""] = process.argv.slice(2);
const groups = new Map<string, string>();
for await (const line of createInterface({ input: createReadStream(users) })) {
  const [user, country, age] = line.split(",");
  groups.set(user, `${country},${Math.floor(Number(age) / 10) * 10}`);
}
// Of the headers, whose names of columns are no user.
groups.delete("user_id");
const sums = new Map<string, number>();
for await (const line of createInterface({ input: createReadStream(orders) })) {
  const [, user, amount] = line.split(",");
  const group = groups.get(user);
  if (group !== undefined) sums.set(group, (sums.get(group) ?? 0) + Number(amount));
}
writeFileSync(output, Array.from(sums, ([group, sum]) => `${group},${sum}\n`).join(""));
