"""W1 in PySpark."""

from pyspark.sql import functions as F
from session import arguments, session

cores, source, output = arguments()
spark = session(cores, output)
words = spark.read.text(source).select(F.explode(F.split("value", r"\s+")).alias("word"))
counts = words.where("word <> ''").groupBy("word").count()
counts.write.csv(output, sep="\t", quote="")
