"""W1 in Dask: a bag of lines in processes."""

import sys

import dask
import dask.bag


def main():
    cores, source, output = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    with dask.config.set(scheduler="processes", num_workers=cores):
        words = dask.bag.read_text(source, blocksize="16MiB").str.split().flatten()
        counts = words.frequencies(split_every=8).compute()
    with open(output, "w") as file:
        file.writelines(f"{word}\t{n}\n" for word, n in counts)


if __name__ == "__main__":
    main()
