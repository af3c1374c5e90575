#!/usr/bin/env bash
# Runs a command in a clone of the last commit on a fresh Debian or Ubuntu that has only git, as a
# new user would. FILEs are put into the folder above the clone. Needs root, debootstrap, and 10 GB
# under TMPDIR while it runs.
# usage: tools/bare-system.sh bookworm|trixie|noble COMMAND [FILE...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if (($# < 2)); then
  sed -n '2,5s/^# //p' tools/bare-system.sh >&2
  exit 2
fi
suite=$1
case "$suite" in
  bookworm | trixie) source=(http://deb.debian.org/debian) components=main ;;
  # gutsy: the script that builds every Ubuntu; an older debootstrap does not know newer suites.
  noble) source=(http://archive.ubuntu.com/ubuntu gutsy) components=main,universe ;;
  *) echo "bare-system: $suite is none of bookworm, trixie and noble" >&2 && exit 2 ;;
esac

work=$(mktemp -d)
root=$work/root
# On one file system only: a mount that is left over is not emptied.
trap 'rm -rf --one-file-system "$work"' EXIT
echo "bare-system: making $suite"
debootstrap --variant=minbase --components="$components" --include=ca-certificates,git \
  "$suite" "$root" "${source[@]}" >"$work/log" || {
  tail -n 20 "$work/log" >&2
  exit 1
}

# The host's network settings: host names, certificates, pip's indexes and folders with wheels.
shared=(/etc/pip.conf /usr/local/share/ca-certificates /etc/ssl/certs)
cp --dereference /etc/resolv.conf /etc/hosts "$root/etc/"
for path in "${shared[@]}"; do
  if [[ -e $path ]]; then
    mkdir -p "$root$(dirname "$path")"
    cp -r --dereference "$path" "$root$(dirname "$path")/" 2>/dev/null || true # links that lead nowhere
  fi
done
mapfile -t environment < <(env | grep -iE \
  '^(https?_proxy|no_proxy|PIP_[A-Z_]*|SSL_CERT_FILE|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|CI)=' || true)
git clone --quiet . "$root/root/linformer"
(($# == 2)) || cp "${@:3}" "$root/root/"

# In a mount namespace of its own, so that no mount is left, however it ends.
unshare --mount --propagation private bash -euo pipefail -c '
  root=$1 command=$2
  shift 2
  for folder in proc dev sys; do mount --rbind "/$folder" "$root/$folder"; done
  for folder in ${PIP_FIND_LINKS:-}; do
    if [[ -d $folder ]]; then
      mkdir -p "$root$folder"
      mount --bind "$folder" "$root$folder"
    fi
  done
  env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    "$@" chroot "$root" bash -c "cd && cd linformer && $command"
' bare "$root" "$2" "${environment[@]}"
