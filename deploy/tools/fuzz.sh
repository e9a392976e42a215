#!/usr/bin/env bash
# Runs every fuzz test of the repository for a short while: fuzz.sh TIME, like 10s.
set -euo pipefail
cd "$(dirname "$0")/../.."
grep -r --include='*_test.go' -oE '^func Fuzz[A-Za-z0-9_]*' . | sort -u | while IFS=: read -r file func; do
	name=${func#func }
	echo "== ${file%/*} $name"
	go test -run '^$' -fuzz "^$name\$" -fuzztime "$1" "${file%/*}"
done
