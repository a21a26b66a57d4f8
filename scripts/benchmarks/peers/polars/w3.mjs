/** W3 in Polars, streaming. */
import pl from "nodejs-polars";
import { OUTPUT } from "./files.mjs";

const [orders, users, output] = process.argv.slice(2);
const ordersFrame = pl
  .scanCSV(orders, { schema: { order_id: pl.Int64, user_id: pl.Int32, amount: pl.Float64, day: pl.Int32 } })
  .select("user_id", "amount");
const usersFrame = pl
  .scanCSV(users, { schema: { user_id: pl.Int32, country: pl.Utf8, age: pl.Int32 } })
  .select("user_id", "country", pl.col("age").minus(pl.col("age").modulo(10)).cast(pl.Int32).alias("decade"));
ordersFrame
  .join(usersFrame, { on: "user_id" })
  .groupBy(["country", "decade"])
  .agg(pl.col("amount").sum())
  .sinkCSV(output, OUTPUT)
  .collectSync("streaming");
