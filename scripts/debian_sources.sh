# Sourced by setup_cjson and setup_windows: Debian's source packages, in a folder of ours. apt's own configuration is neither needed
# nor changed: the lists are kept in $work, taken from the mirrors that apt uses. Wanted: $work, an empty folder; `fail REASON`.
apt_options=(-o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists="$work/lists"
  -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root -qq)

fetch_lists() {
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
  apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' "Created-By: Packages" | sort -u |
    sed 's|^|deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] |' >"$work/sources.list"
  apt-get "${apt_options[@]}" update >"$work/apt.log" 2>&1 || fail "apt-get could not fetch the lists of source packages: $(tail -n 1 "$work/apt.log")"
}

fetch() {  # fetch PACKAGE: its sources in $work/PACKAGE. A mirror may lack a security version: then an older one is taken
  local version
  cd "$work"
  for version in "" $(apt-cache "${apt_options[@]}" showsrc "$1" | sed -n 's/^Version: /=/p'); do
    apt-get "${apt_options[@]}" source --download-only "$1$version" >>apt.log 2>&1 || continue
    dpkg-source --no-check -x "$1"_*.dsc "$1" >>apt.log 2>&1 && return 0
  done
  fail "the sources of $1 could not be fetched: $(tail -n 1 apt.log)"
}
