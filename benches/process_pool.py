"""Python's ProcessPoolExecutor, measured on request.

Each line of the input says how (`in_turn`, `submit_all`, `map_chunks`) and how many tasks; the
answer is how many microseconds a task took. A task adds one to an int.
"""

import operator
import sys
import time
from concurrent.futures import ProcessPoolExecutor


def in_turn(pool, tasks):
    number = 1
    for _ in range(tasks):
        number = pool.submit(operator.add, number, 1).result()
    assert number == tasks + 1


def submit_all(pool, tasks):
    futures = [pool.submit(operator.add, number, 1) for number in range(tasks)]
    assert [future.result() for future in futures] == list(range(1, tasks + 1))


def map_chunks(pool, tasks):
    results = pool.map(operator.add, range(tasks), [1] * tasks, chunksize=64)
    assert list(results) == list(range(1, tasks + 1))


def main():
    with ProcessPoolExecutor(max_workers=int(sys.argv[1])) as pool:
        for line in sys.stdin:
            how, tasks = line.split()
            run = {"in_turn": in_turn, "submit_all": submit_all, "map_chunks": map_chunks}[how]
            start = time.perf_counter()
            run(pool, int(tasks))
            print((time.perf_counter() - start) * 1e6 / int(tasks), flush=True)


if __name__ == "__main__":
    main()
