/** W4 in Polars: tables in memory, one query for each iteration. */
import pl from "nodejs-polars";
import { OUTPUT } from "./files.mjs";

const [input, output] = process.argv.slice(2);
const schema = { source: pl.Int32, target: pl.Int32 };
const edges = pl.scanCSV(input, { hasHeader: false, sep: " ", schema }).collectSync();
const degrees = edges.groupBy("source").agg(pl.col("target").count().cast(pl.Float64).alias("degree"));
let nodes = degrees.withColumns(pl.lit(1).div(pl.col("degree")).alias("share"));
for (let i = 0; i < 10; i++) {
  const totals = edges
    .lazy()
    .join(nodes.lazy().select("source", "share"), { on: "source" })
    .groupBy("target")
    .agg(pl.col("share").sum().alias("total"));
  nodes = await degrees
    .lazy()
    .join(totals, { leftOn: "source", rightOn: "target", how: "left" })
    .select(
      "source",
      "degree",
      pl.col("total").fillNull(0).mul(0.85).plus(0.15).div(pl.col("degree")).alias("share"),
    )
    .collect();
}
nodes.select(pl.col("source"), pl.col("share").mul(pl.col("degree"))).writeCSV(output, OUTPUT);
