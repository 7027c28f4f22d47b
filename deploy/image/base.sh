#!/usr/bin/env bash
# A stand-in for the official Python image where no registry can be reached: Debian by debootstrap
# from this machine's own mirror, and this machine's own Python. Writes the tree into FOLDER/rootfs
# and the version of its Python, such as 3.12, into FOLDER/version.
#
#   base.sh FOLDER
set -euo pipefail

fail() {
  echo "base.sh: $*" >&2
  exit 1
}

out=$1
root=$out/rootfs
[ "$(id -u)" = 0 ] || fail "debootstrap needs root: run as root, or start docker"
command -v debootstrap >/dev/null || fail "debootstrap is missing: apt-get install debootstrap"
# shellcheck source=/dev/null
. /etc/os-release
[ "${ID:-}" = debian ] || fail "this is ${ID:-not Debian}: the stand-in is made on Debian alone"

# The first archive that apt itself uses for this release, in either of its two notations.
mirror=$(apt-get indextargets --format '$(SITE) $(RELEASE) $(CREATED_BY)' |
  awk -v r="$VERSION_CODENAME" '$2 == r && $3 == "Packages" { print $1; exit }')
[ -n "$mirror" ] || fail "apt has no source for $VERSION_CODENAME: run apt-get update"

# 3.12 if there is one, else 3.11; of pyenv, of the PATH, or Debian's own.
python=
for version in 3.12 3.11; do
  for candidate in "$(command -v pyenv >/dev/null && pyenv root || true)"/versions/"$version".*/bin/python"$version" \
    "$(command -v "python$version" || true)"; do
    if [ -x "$candidate" ] && "$candidate" -c 'import ssl, sqlite3, lzma, bz2, ctypes' 2>/dev/null; then
      python=$candidate
      break 2
    fi
  done
done
[ -n "$python" ] || fail "neither Python 3.12 nor 3.11 is on this machine, in pyenv or on the PATH"
prefix=$("$python" -c 'import sys; print(sys.base_prefix)')

packages=ca-certificates,netbase,tzdata
if [ "$prefix" = /usr ]; then
  # Debian's own cannot be copied, but installed; debootstrap does not see that the last provides
  # what the second depends on.
  packages+=,python$version,python$version-venv,python3-distutils
else
  # What the interpreter and its modules are linked to, as Debian calls it here.
  libraries=$("$python" - <<'PY'
import pathlib, subprocess, sys, sysconfig

modules = pathlib.Path(sysconfig.get_path("platstdlib"), "lib-dynload").glob("*.so")
# Tk would bring X11; nis is for nobody.
wanted = [str(m) for m in modules if not m.name.startswith(("_tkinter", "nis", "_gdbm", "_dbm"))]
for file in [sys.executable, *wanted]:
    for line in subprocess.run(["ldd", file], capture_output=True, text=True).stdout.splitlines():
        if "=> /" in line and f"=> {sys.base_prefix}/" not in line:
            print(line.split()[2])
PY
  )
  found=$(sort -u <<<"$libraries" | while read -r file; do
    dpkg-query -S "$(realpath "$file")" 2>/dev/null || dpkg-query -S "$file" "${file#/usr}" 2>/dev/null || true
  done | cut -d: -f1 | sort -u | paste -sd,)
  packages+=,$found
fi

rm -rf "$root"
mkdir -p "$root"
debootstrap --variant=minbase --include="$packages" "$VERSION_CODENAME" "$root" "$mirror" >"$out/debootstrap.log" 2>&1 ||
  { tail -20 "$out/debootstrap.log" >&2; fail "debootstrap from $mirror failed; see above"; }

if [ "$prefix" = /usr ]; then
  # Debian's own refuses pip, but for a virtualenv; build.py puts this one first on the PATH.
  chroot "$root" "/usr/bin/python$version" -m venv /usr/local/python
else
  tar -C "$prefix" --exclude="python$version/test" --exclude="python$version/site-packages/*" \
    --exclude="python$version/config-*" --exclude='*/idlelib' --exclude='*/tkinter' \
    --exclude='*/turtledemo' --exclude='*/lib2to3' --exclude='__pycache__' --exclude='_tkinter*' \
    --exclude='nis.*.so' --exclude='_gdbm*' --exclude='_dbm*' \
    -c "bin/python$version" "lib/python$version" $(cd "$prefix" && ls -d lib/libpython3* 2>/dev/null) |
    tar -C "$root/usr/local" -x --no-same-owner
  ln -sf "python$version" "$root/usr/local/bin/python3"
  ln -sf "python$version" "$root/usr/local/bin/python"
  chroot "$root" ldconfig
  chroot "$root" /usr/local/bin/python3 -m ensurepip >/dev/null 2>&1 || fail "ensurepip failed in the new tree"
fi
PATH=/usr/local/python/bin:/usr/local/bin:$PATH chroot "$root" python -c 'import ssl, sqlite3, lzma, bz2, ctypes, zlib, uuid' ||
  fail "the Python in the new tree does not import what the one of this machine does"

# Nothing of this machine and of its mirror stays behind.
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* "$root"/var/log/* "$root"/etc/resolv.conf \
  "$root"/etc/hostname "$root"/etc/apt/sources.list
# As Debian's own small image: no manuals, no translations; the licences stay.
rm -rf "$root"/usr/share/{man,info,locale,lintian}
find "$root/usr/share/doc" -type f ! -name copyright -delete
find "$root/usr/local" -name __pycache__ -type d -prune -exec rm -rf {} +
echo "$version" >"$out/version"
