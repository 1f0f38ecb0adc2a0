#!/bin/sh
# One part of the tests, on whatever CI: run-tests.sh FOLDER [REPORT]. Parts are counted from 1.
set -eu
tests=$1
report=${2:-report.xml}
exec emufarm test "$tests" --shard "${CI_NODE_INDEX:-1}/${CI_NODE_TOTAL:-1}" --junit "$report"
