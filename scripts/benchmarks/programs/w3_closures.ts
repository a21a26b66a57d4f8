/** W3 in closure form: the sum of amounts by country and decade of age. */
import { flow, run } from "luciole";

const sums = flow("w3-closures", (f, p: { orders: string; users: string; output: string }) => {
  const users = f
    .csv(p.users, { columns: ["user_id", "country", "age"], types: { user_id: "number", age: "number" } })
    .map((user): [number, { country: string; age: number }] => [user.user_id, user]);
  return f
    .csv(p.orders, { columns: ["user_id", "amount"], types: { user_id: "number", amount: "number" } })
    .map((order): [number, number] => [order.user_id, order.amount])
    .join(users)
    .map(([, [amount, { country, age }]]): [string, number] => [
      `${country},${Math.floor(age / 10) * 10}`,
      amount,
    ])
    .reduceByKey((a, b) => a + b)
    .writeText(p.output, ([key, sum]) => `${key},${sum}`);
});

await run(async (job) => {
  const [orders = "", users = "", output = ""] = job.args;
  await job.execute(sums, { orders, users, output });
});
