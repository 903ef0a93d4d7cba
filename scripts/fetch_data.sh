#!/usr/bin/env bash
# Downloads public data sets into configs/data/downloaded: fetch_data.sh [mnist|fashion|a9a|all] (all when nothing is said).
# Files that are present and correct are kept. A file appears under its name only when it is complete and checked.
# TALWEG_DATA_BASE=URL takes every set from URL/<set>/<file> instead (a mirror, or file:///some/folder).
# TALWEG_DATA_TARGET=FOLDER puts them elsewhere.
# Exit code 0 when all files are present and correct, 1 when some could not be downloaded, 64 when a set is unknown.
set -uo pipefail

usage="usage: $(basename "$0") [mnist|fashion|a9a|all]..."
target="$(cd "$(dirname "$0")/.." && pwd)/configs/data/downloaded"
target="${TALWEG_DATA_TARGET:-$target}"
failures=()

# set | folder below the target | address of the set | file | check: md5:<sum> of the file, or lines:<count> of its text
files="
mnist   .       https://ossci-datasets.s3.amazonaws.com/mnist                      train-images-idx3-ubyte.gz md5:f68b3c2dcbeaaa9fbdd348bbdeb94873
mnist   .       https://ossci-datasets.s3.amazonaws.com/mnist                      train-labels-idx1-ubyte.gz md5:d53e105ee54ea40749a09fcbcd1e9432
mnist   .       https://ossci-datasets.s3.amazonaws.com/mnist                      t10k-images-idx3-ubyte.gz  md5:9fb629c4189551a2d022fa330f9573f3
mnist   .       https://ossci-datasets.s3.amazonaws.com/mnist                      t10k-labels-idx1-ubyte.gz  md5:ec29112dd5afa0611ce80d1b7f02629c
fashion fashion http://fashion-mnist.s3-website.eu-central-1.amazonaws.com         train-images-idx3-ubyte.gz md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d
fashion fashion http://fashion-mnist.s3-website.eu-central-1.amazonaws.com         train-labels-idx1-ubyte.gz md5:25c81989df183df01b3e8a0aad5dffbe
fashion fashion http://fashion-mnist.s3-website.eu-central-1.amazonaws.com         t10k-images-idx3-ubyte.gz  md5:bef4ecab320f06d8554ea6380940ec79
fashion fashion http://fashion-mnist.s3-website.eu-central-1.amazonaws.com         t10k-labels-idx1-ubyte.gz  md5:bb300cfdad3c16e7a12a480ee83cd310
a9a     .       https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/binary     a9a                        lines:32561
a9a     .       https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/binary     a9a.t                      lines:16281
"

download() {  # address file
  if command -v curl > /dev/null; then
    curl --fail --location --silent --show-error --connect-timeout 20 --retry 2 --output "$2" "$1"
  elif command -v wget > /dev/null; then
    wget --quiet --tries=3 --timeout=20 --output-document="$2" "$1"
  else
    echo "neither curl nor wget is installed" >&2
    return 1
  fi
}

# Prints what is wrong with a file; nothing when it is right.
fault() {  # file check
  local found
  case "$2" in
    md5:*)
      found=$(md5sum < "$1" | cut -d ' ' -f 1)
      [[ $found == "${2#md5:}" ]] || echo "found md5 $found, expected ${2#md5:}" ;;
    lines:*)  # no checksum is published: checks the count, and that every line is a label with ascending pairs in form
      found=$(wc -l < "$1")
      if [[ $found -ne ${2#lines:} ]]; then
        echo "found $found lines, expected ${2#lines:}"
      elif grep -qvE '^[+-]?[0-9]+( +[0-9]+:[^ ]+)* *$' "$1"; then
        echo "found a line that is not 'label index:value ...'"
      fi ;;
  esac
}

fetch() {  # set folder address file check
  local path="$target/$2/$4" address="${TALWEG_DATA_BASE:+$TALWEG_DATA_BASE/$1}"
  address="${address:-$3}/$4"
  path="${path/\/.\//\/}"
  if [[ -f $path && -z $(fault "$path" "$5") ]]; then
    echo "$path: there and right"
    return
  fi
  local part="$path.part.$$" wrong
  if ! mkdir -p "$(dirname "$path")"; then
    failures+=("$path: cannot create its folder")
  elif ! download "$address" "$part"; then
    failures+=("$path: could not be fetched from $address")
  elif wrong=$(fault "$part" "$5") && [[ -n $wrong ]]; then
    failures+=("$path: $address is not what was expected: $wrong")
  elif ! mv -f "$part" "$path"; then
    failures+=("$path: cannot be written")
  else
    echo "$path: fetched"
  fi
  rm -f "$part"
}

[[ $# -gt 0 ]] || set -- all
for wanted in "$@"; do
  case "$wanted" in
    mnist | fashion | a9a | all) ;;
    -h | --help) echo "$usage"; exit 0 ;;
    *) echo "unknown data set '$wanted'; $usage" >&2; exit 64 ;;
  esac
done
for wanted in "$@"; do
  while read -r name folder address file check; do
    if [[ -n $name && ($wanted == all || $wanted == "$name") ]]; then fetch "$name" "$folder" "$address" "$file" "$check"; fi
  done <<< "$files"
done

if [[ ${#failures[@]} -gt 0 ]]; then
  echo "fetch_data.sh: ${#failures[@]} file(s) missing:" >&2
  printf '  %s\n' "${failures[@]}" >&2
  exit 1
fi
