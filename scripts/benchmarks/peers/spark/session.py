"""What the PySpark programs share: a session on all cores of this machine."""

import os
import sys

from pyspark.sql import SparkSession


def arguments():
    """Cores, the inputs and the output."""
    return int(sys.argv[1]), *sys.argv[2:]


def session(cores, output):
    os.environ["PYSPARK_PYTHON"] = sys.executable
    return (
        SparkSession.builder.master(f"local[{cores}]")
        .config("spark.driver.memory", "8g")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", str(4 * cores))
        .config("spark.local.dir", os.path.dirname(output))
        .config("spark.log.level", "ERROR")
        .getOrCreate()
    )
