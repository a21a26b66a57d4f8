"""W5 in Dask: blocks of points as arrays of NumPy on threads."""

import sys

import dask
import dask.dataframe
import numpy


def assign(points, centres):
    products = points @ centres.T
    nearest = numpy.argmin((centres**2).sum(axis=1) - 2 * products, axis=1)
    sums = numpy.stack([numpy.bincount(nearest, column, len(centres)) for column in points.T], axis=1)
    return sums, numpy.bincount(nearest, minlength=len(centres))


cores, source, output = int(sys.argv[1]), *sys.argv[2:]
with dask.config.set(scheduler="threads", num_workers=cores):
    frame = dask.dataframe.read_csv(source, blocksize="16MiB")
    blocks = dask.persist(*[block.to_numpy() for block in dask.compute(*frame.to_delayed())])
    with open(source) as file:
        next(file)
        centres = numpy.array([[float(x) for x in next(file).split(",")] for _ in range(16)])
    for _ in range(10):
        parts = dask.compute(*[dask.delayed(assign)(block, centres) for block in blocks])
        sums, counts = (sum(part[i] for part in parts) for i in (0, 1))
        centres = numpy.where(counts[:, None] == 0, centres, sums / numpy.maximum(counts, 1)[:, None])
with open(output, "w") as file:
    file.writelines(",".join(repr(float(x)) for x in centre) + "\n" for centre in centres)
