#!/usr/bin/env bash
# debian.sh PACKAGES_DIR BUILD_DIR MODEL.gguf: the three .deb files, inspected, then installed by dpkg to a root of its own. This machine's
# packages count as installed there, so dependencies are checked for real; nothing of the machine is changed.
packages=$1
build=$2
model=$3
# shellcheck source=stranger.sh
. "$(dirname "$0")/stranger.sh"
library=$(echo "$packages"/librustml[0-9]*.deb)
dev=$(echo "$packages"/librustml-dev_*.deb)
tools=$(echo "$packages"/rustml-tools_*.deb)

fields() {
  local package
  [ "$(dpkg-deb -f "$library" Package)" = "librustml$major" ] && [ "$(dpkg-deb -f "$dev" Package)" = librustml-dev ] &&
    [ "$(dpkg-deb -f "$tools" Package)" = rustml-tools ] && [ "$(dpkg-deb -f "$dev" Depends)" = "librustml$major (= $version)" ] || return 1
  for package in "$library" "$dev" "$tools"; do
    dpkg-deb -f "$package"
    [ "$(dpkg-deb -f "$package" Version)" = "$version" ] && [ "$(dpkg-deb -f "$package" Architecture)" = "$(dpkg --print-architecture)" ] || return 1
  done
  dpkg-deb -f "$tools" Depends | grep -F "librustml$major (= $version), "
}
check "names, versions, dependencies among them" fields

unpacked() {
  local package
  for package in library dev tools; do
    dpkg-deb -R "${!package}" "$work/$package" && (cd "$work/$package" && md5sum --quiet -c DEBIAN/md5sums) || return 1
  done
}
check "they unpack and their sums are right" unpacked

owners() {  # owners FOLDER: the packages of the libraries that the files of FOLDER are linked with
  local file name path
  find "$1/usr" -type f \( -path '*/bin/*' -o -name '*.so.*' \) | while read -r file; do
    readelf -d "$file" | sed -n 's/.*NEEDED.*\[\(lib.*\)\]/\1/p' | grep -v rustml | while read -r name; do
      path=$(ldd "$file" | sed -n "s|^\s*$name => \([^ ]*\) .*|\1|p")
      dpkg -S "$path" 2>/dev/null || dpkg -S "/usr$path" || echo "nobody has $name:"
    done
  done | cut -d: -f1 | sort -u
}

names() {  # those of a list of packages, without versions
  tr ',' '\n' | sed 's/(.*//; s/ //g; /^$/d'
}

depends() {
  local folder package
  for folder in library tools; do
    owners "$work/$folder" >"$work/owners" && [ -s "$work/owners" ] || return 1
    while read -r package; do
      echo "$folder: $package"
      dpkg-query -W -f '${Package}, ${Provides}' "$package" | names >"$work/called"
      dpkg-deb -f "${!folder}" Depends | names | grep -xFf "$work/called" || return 1
    done <"$work/owners"
  done
}
check "they depend on the owners of what they are linked with" depends

control_files() {
  local file soname
  [ "$(ls "$work/library/DEBIAN" | sort | xargs)" = "control md5sums shlibs triggers" ] && [ "$(ls "$work/dev/DEBIAN" | xargs)" = "control md5sums" ] &&
    [ "$(cat "$work/library/DEBIAN/triggers")" = "activate-noawait ldconfig" ] || return 1
  for file in $(find "$work/library" -name '*.so.*' -type f); do
    soname=$(readelf -d "$file" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
    grep -qxF "${soname%.so.*} ${soname##*.so.} librustml$major (>= $version)" "$work/library/DEBIAN/shlibs" || return 1
  done
}
check "shlibs, triggers and no scripts" control_files

contents() {
  local package
  cmake --install "$build" --prefix "$work/installed/usr" || return 1
  for package in library dev tools; do
    [ -s "$work/$package/usr/share/doc/$(dpkg-deb -f "${!package}" Package)/copyright" ] || return 1
    files "$work/$package" | grep -v -e '^./DEBIAN/' -e "/doc/$(dpkg-deb -f "${!package}" Package)/copyright\$"
  done | sort >"$work/all"
  diff <(files "$work/installed") "$work/all"
}
check "each installed file is in one package, and each has its copyright file" contents

root=$work/root
in_root() {
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(unshare --map-root-user)
  PATH=$PATH:/usr/sbin:/sbin "${as_root[@]}" dpkg --root="$root" "$@"
}
installed() (
  mkdir -p "$root"/var/lib/dpkg/{info,updates,triggers} && cp /var/lib/dpkg/status "$root/var/lib/dpkg/" && cd "$packages" &&
    eval "$(readme sh | grep 'apt-get install' | sed 's/sudo apt-get install/in_root -i/')" && [ -z "$(in_root --audit librustml-dev)" ]
)
check "dpkg installs them" installed
check "dpkg keeps the library that the others need" eval '! in_root -r "librustml$major"'
use "$root/usr"
stranger "installed"
unset LD_LIBRARY_PATH
check "the program runs" answers "$root/usr/bin/rustml-infer" --gguf "$model" --prompt "The capital of France is" --max-tokens 8 --ignore-eos
removed() {
  in_root -P rustml-tools librustml-dev "librustml$major" && [ -z "$(files "$root/usr")" ]
}
check "dpkg removes them, and nothing stays" removed

[ "$failures" -eq 0 ]
