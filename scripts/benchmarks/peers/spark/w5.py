"""W5 in PySpark: points are cached; distances are columns."""

from pyspark.sql import functions as F
from session import arguments, session

cores, source, output = arguments()
spark = session(cores, output)
names = [f"x{i}" for i in range(8)]
points = spark.read.csv(source, header=True, schema=", ".join(f"{name} DOUBLE" for name in names))
points = points.repartition(2 * cores).cache()
with open(source) as file:
    next(file)
    centres = [[float(x) for x in next(file).split(",")] for _ in range(16)]
for _ in range(10):
    squares = []
    for centre in centres:
        terms = [(F.col(name) - x) * (F.col(name) - x) for name, x in zip(names, centre)]
        squares.append(sum(terms[1:], terms[0]))
    distances = points.select(*names, F.array(*squares).alias("d"))
    nearest = distances.withColumn("k", F.array_position("d", F.array_min("d")) - 1)
    for row in nearest.groupBy("k").agg(*[F.avg(name) for name in names]).collect():
        centres[row[0]] = list(row[1:])
with open(output, "w") as file:
    file.writelines(",".join(map(repr, centre)) + "\n" for centre in centres)
