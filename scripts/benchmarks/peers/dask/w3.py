"""W3 in Dask: data frames on threads, which do their work outside of Python."""

import sys

import dask
import dask.dataframe

cores, orders_path, users_path, output = int(sys.argv[1]), *sys.argv[2:]
with dask.config.set(scheduler="threads", num_workers=cores):
    orders = dask.dataframe.read_csv(orders_path, usecols=["user_id", "amount"], blocksize="16MiB")
    users = dask.dataframe.read_csv(users_path).compute()
    users["decade"] = users.age // 10 * 10
    joined = orders.merge(users[["user_id", "country", "decade"]], on="user_id")
    sums = joined.groupby(["country", "decade"]).amount.sum().compute()
sums.to_csv(output, header=False)
