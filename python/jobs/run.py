"""The batch job: spark-submit run.py SRC DST [options]. `run.py --help` tells all of them."""
import sys

from pomona.spark._job import main

sys.exit(main(sys.argv[1:]))
