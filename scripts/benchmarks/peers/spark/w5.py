"""W5 in PySpark: cached blocks of points as arrays of NumPy; as columns, distances take several times as long."""

import io

import numpy
from session import arguments, session


def read(lines):
    text = "\n".join(line for line in lines if not line.startswith("x"))
    if text != "":
        yield numpy.loadtxt(io.StringIO(text), delimiter=",", ndmin=2)


def assign(points, centres):
    nearest = numpy.argmin((centres**2).sum(axis=1) - 2 * points @ centres.T, axis=1)
    sums = numpy.stack([numpy.bincount(nearest, column, len(centres)) for column in points.T], axis=1)
    return sums, numpy.bincount(nearest, minlength=len(centres))


cores, source, output = arguments()
spark = session(cores, output)
blocks = spark.sparkContext.textFile(source, 4 * cores).mapPartitions(read).cache()
with open(source) as file:
    next(file)
    centres = numpy.array([[float(x) for x in next(file).split(",")] for _ in range(16)])
for _ in range(10):
    parts = blocks.map(lambda points, c=centres: assign(points, c))
    sums, counts = parts.reduce(lambda a, b: (a[0] + b[0], a[1] + b[1]))
    centres = numpy.where(counts[:, None] == 0, centres, sums / numpy.maximum(counts, 1)[:, None])
with open(output, "w") as file:
    file.writelines(",".join(repr(float(x)) for x in centre) + "\n" for centre in centres)
