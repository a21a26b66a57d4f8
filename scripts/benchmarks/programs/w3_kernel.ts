/** W3 in kernel form: the sum of amounts by country and decade of age. */
import { flow, run } from "luciole";

const sums = flow("w3-kernel", (f, p: { orders: string; users: string; output: string }) => {
  const users = f
    .csv(p.users, { columns: ["user_id", "country", "age"], types: { user_id: "number", age: "number" } })
    .map(({ user_id, country, age }): [number, [string, number]] => [
      user_id,
      [country, Math.floor(age / 10) * 10],
    ]);
  const amounts = f
    .csv(p.orders, { columns: ["user_id", "amount"], types: { user_id: "number", amount: "number" } })
    .keyBy("user_id")
    .mapValues("amount");
  return users
    .join(amounts)
    .values()
    .sumByKey()
    .writeText(p.output, ([[country, decade], sum]) => `${country},${decade},${sum}`);
});

await run(async (job) => {
  const [orders = "", users = "", output = ""] = job.args;
  await job.execute(sums, { orders, users, output });
});
