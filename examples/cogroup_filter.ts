/**
 * Brings customers and their orders together, and keeps the customers who ordered often.
 *
 *   bun examples/cogroup_filter.ts [CUSTOMERS] [ORDERS] [LEAST]
 *
 * CUSTOMERS is csv with the columns id and name, ORDERS csv with customer and amount. With a
 * LEAST of 0, customers without any order are shown too.
 */
import { flow, run } from "luciole";

interface Params {
  readonly customers: string;
  readonly orders: string;
  readonly least: number;
}

const goodCustomers = flow("good-customers", (f, p: Params) => {
  const names = f.csv(p.customers, { columns: ["id", "name"] }).map(({ id, name }) => [id, name]);
  const amounts = f
    .csv(p.orders, { columns: ["customer", "amount"], types: { amount: "number" } })
    .map(({ customer, amount }) => [customer, amount]);
  return names
    .cogroup(amounts)
    .filter(([, [found, ordered]]) => found.length > 0 && ordered.length >= p.least)
    .map(([id, [[name], ordered]]) => ({
      id,
      name,
      orders: ordered.length,
      total: ordered.reduce((sum, amount) => sum + amount, 0),
    }))
    .sortBy("id");
});

await run(async (job) => {
  const [customers = "examples/data/customers.csv", orders = "examples/data/orders.csv", least = "2"] =
    job.args;
  const good = await job.execute(goodCustomers, { customers, orders, least: Number(least) });
  for await (const { id, name, orders, total } of good) console.log([id, name, orders, total].join("\t"));
});
