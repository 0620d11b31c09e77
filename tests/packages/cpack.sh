#!/usr/bin/env bash
# cpack.sh PACKAGES_DIR BUILD_DIR: makes the packages as docs/install.md says.
set -euo pipefail
packages=$1
build=$2
command=$(grep '^cpack ' "$(dirname "$0")/../../docs/install.md")
rm -rf "$packages"
mkdir -p "$packages"
cd "$packages"
eval "${command/build\/release/\"\$build\"}"
rm -rf _CPack_Packages
for kind in deb tar.gz; do
  echo "$kind: $(find . -maxdepth 1 -name "*.$kind" | wc -l)"
done >counts
cat counts
grep -qx 'tar.gz: 1' counts
! command -v dpkg-shlibdeps >/dev/null || grep -qx 'deb: 3' counts
