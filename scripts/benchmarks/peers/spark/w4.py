"""W4 in PySpark: edges and degrees are cached, ranks of an iteration are cut from their history."""

from pyspark.sql import functions as F
from session import arguments, session

cores, source, output = arguments()
spark = session(cores, output)
lines = spark.read.csv(source, sep=" ", schema="source INT, target INT")
edges = lines.repartition(4 * cores, "source").cache()
degrees = edges.groupBy("source").count().withColumnRenamed("count", "degree").cache()
shares = degrees.select("source", (1 / F.col("degree")).alias("share"))
for _ in range(10):
    totals = edges.join(shares, "source").groupBy("target").agg(F.sum("share").alias("total"))
    rank = 0.15 + 0.85 * F.coalesce("total", F.lit(0.0))
    joined = degrees.join(totals, degrees.source == totals.target, "left")
    shares = joined.select("source", (rank / F.col("degree")).alias("share")).localCheckpoint()
degrees.join(shares, "source").select("source", F.col("share") * F.col("degree")).write.csv(output)
