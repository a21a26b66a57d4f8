"""W2 in PySpark."""

from pyspark.sql import functions as F
from session import arguments, session

cores, source, output = arguments()
spark = session(cores, output)
spark.read.text(source).orderBy(F.substring("value", 1, 10)).write.text(output)
