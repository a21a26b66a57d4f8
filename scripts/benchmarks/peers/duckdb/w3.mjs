/** W3 in SQL. */
import { connect, copy, csvOf } from "./database.mjs";

const [orders, users, output] = process.argv.slice(2);
const connection = await connect();
const ordersTable = csvOf(orders, {
  order_id: "BIGINT",
  user_id: "INTEGER",
  amount: "DOUBLE",
  day: "INTEGER",
});
const usersTable = csvOf(users, { user_id: "INTEGER", country: "VARCHAR", age: "INTEGER" });
const query = `SELECT country, age // 10 * 10 AS decade, sum(amount)
  FROM ${ordersTable} JOIN ${usersTable} USING (user_id) GROUP BY ALL`;
await connection.run(copy(query, output));
