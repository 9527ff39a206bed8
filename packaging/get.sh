#!/bin/sh
# Fetches a release of homeward, shows that it is homeward's, and runs its install.sh with the words given:
#   curl -fsSL PLACE/get.sh | sh -s -- hub --address vps.example.org
# With the one word `offered` it names the verified release, and fetches nothing more.
# Nothing of the release is run before its signature was verified by the key below. All stands in functions and main is called
# on the last line, so that a half-copied file does nothing.
set -eu

# Where the files of the newest release are. The one place that names it; HOMEWARD_PLACE says another.
PLACE=''
# Who may sign (ssh-keygen(1), ALLOWED SIGNERS); npm run package writes it here.
SIGNERS='@ALLOWED_SIGNERS@'

main() {
  place=${HOMEWARD_PLACE:-$PLACE}
  place=${place%/}
  [ -n "$place" ] || fail 'this file does not say where releases are' 'Name the folder: HOMEWARD_PLACE=https://…'
  # install.sh needs one of them, and by then this folder would be gone.
  [ "${1:-}" = offered ] || [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null || fail 'this needs root, there is no sudo here, and nothing was changed' \
    'Become root with su -, then run the same again'
  for tool in bash tar gzip sha256sum ssh-keygen; do
    command -v "$tool" >/dev/null || fail "$tool is missing, and nothing was changed" \
      "Install it, then run this again: apt-get install $(package_of "$tool")"
  done
  # Not /tmp, which is often memory: an unpacked release has 130 MB.
  work=$(mktemp -d "${TMPDIR:-/var/tmp}/homeward-get.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  trap 'exit 1' INT TERM HUP

  fetch SHA256SUMS
  fetch SHA256SUMS.sig
  printf '%s\n' "$SIGNERS" >"$work/allowed_signers"
  ssh-keygen -Y verify -f "$work/allowed_signers" -I homeward -n homeward-release -s "$work/SHA256SUMS.sig" \
    <"$work/SHA256SUMS" >/dev/null 2>&1 ||
    fail "what $place offers is not signed by homeward, and nothing was changed" 'Do not go past that before you know why'

  suffix=$(suffix_of_machine)
  archive=$(sed -n "s/^[0-9a-f]\{64\}  \(homeward-[^/]*\.tar\.gz\)\$/\1/p" "$work/SHA256SUMS" | wanted "$suffix")
  [ -n "$archive" ] || fail "the release at $place has nothing for this machine (${suffix:-no Node of its own})" \
    'Nothing was changed'
  if [ "${1:-}" = offered ]; then
    echo "$archive"
    return
  fi
  echo "homeward: fetching $archive from $place"
  fetch "$archive"
  (cd "$work" && grep "  $archive\$" SHA256SUMS | sha256sum --check --status --strict) ||
    fail "$archive is not the file that was signed, and nothing was changed" 'Run this again; the download may have broken off'
  tar -xzf "$work/$archive" -C "$work" --no-same-owner
  rm "$work/$archive"
  install=$work/${archive%.tar.gz}/install.sh
  # What install.sh prints for the other machine is this line, since the folder is gone by then.
  if [ "$place" = "${PLACE%/}" ]; then named=''; else named="HOMEWARD_PLACE=$place "; fi
  export HOMEWARD_AGAIN="curl -fsSL $place/get.sh | ${named}sh -s --"
  # The standard input is this file where it came through a pipe; sudo may have to ask.
  if (: </dev/tty) 2>/dev/null; then bash "$install" "$@" </dev/tty; else bash "$install" "$@" </dev/null; fi
}

# The Node in a release is for one architecture; others take the system's. A 32-bit system often runs under a 64-bit kernel.
suffix_of_machine() {
  if command -v dpkg >/dev/null; then machine=$(dpkg --print-architecture); else machine=$(uname -m)-$(getconf LONG_BIT); fi
  case "$machine" in
    amd64 | x86_64-64) echo linux-amd64 ;;
    arm64 | aarch64-64) echo linux-arm64 ;;
  esac
}

# wanted SUFFIX: of the names on its input the one for this machine.
wanted() {
  if [ -n "$1" ]; then grep -e "-$1\.tar\.gz\$" || true; else grep -v -e '-linux-' || true; fi
}

fetch() {
  if command -v curl >/dev/null; then
    curl --fail --silent --show-error --location --retry 2 --connect-timeout 20 --max-time 900 --output "$work/$1" "$place/$1"
  elif command -v wget >/dev/null; then
    wget --quiet --tries=3 --timeout=60 --output-document="$work/$1" "$place/$1"
  else
    fail 'neither curl nor wget is here' 'Install one of them, then run this again'
  fi || fail "$place/$1 could not be fetched, and nothing was changed" 'Run this again when it can be reached'
}

package_of() {
  case "$1" in
    ssh-keygen) echo openssh-client ;;
    sha256sum) echo coreutils ;;
    *) echo "$1" ;;
  esac
}

fail() {
  printf 'get.sh: %s. %s.\n' "$1" "$2" >&2
  exit 1
}

main "$@"
