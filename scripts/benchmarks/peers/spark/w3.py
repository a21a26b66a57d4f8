"""W3 in PySpark."""

from pyspark.sql import functions as F
from session import arguments, session

cores, orders_path, users_path, output = arguments()
spark = session(cores, output)
orders = spark.read.csv(orders_path, header=True, schema="order_id LONG, user_id INT, amount DOUBLE, day INT")
users = spark.read.csv(users_path, header=True, schema="user_id INT, country STRING, age INT")
decade = (F.floor(F.col("age") / 10) * 10).alias("decade")
orders.join(users, "user_id").groupBy("country", decade).agg(F.sum("amount")).write.csv(output)
