#!/bin/sh
# unpack.sh DEBS KEEP ROOT: puts what an image needs of Debian's packages into ROOT. Of the files in *.deb of the folder
# DEBS those are taken that the patterns of the file KEEP name; of each package its copyright and its control data, by
# which scanners know it, whatever they name. No script of a package is run. Both ways to build an image go through here.
set -eu
debs=$1 keep=$2 root=$3
umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$root/var/lib/dpkg/status.d"

for deb in "$debs"/*.deb; do
  name=$(dpkg-deb --field "$deb" Package)
  dpkg-deb --extract "$deb" "$work"
  dpkg-deb --field "$deb" > "$root/var/lib/dpkg/status.d/$name"
  printf '%s\n' "$name" >> "$work/.names"
done

cd "$work"
take() {
  # Where a folder was renamed or a library got a new version, somebody has to look.
  [ -e "$1" ] || [ -L "$1" ] || { echo "unpack.sh: no package has $1, which $keep names" >&2; exit 1; }
  cp --archive --parents -- "$1" "$root"
}
while IFS= read -r pattern; do
  case $pattern in '' | '#'*) continue ;; esac
  for path in $pattern; do take "$path"; done
done < "$keep"
while IFS= read -r name; do
  if [ -L "usr/share/doc/$name" ]; then take "usr/share/doc/$name"; else take "usr/share/doc/$name/copyright"; fi
done < .names
