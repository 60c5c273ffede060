#!/bin/sh
# Installs flux-apim: fetches the archive of a release, checks the signature of the list of
# checksums and the checksum of the archive, and puts the program into a folder. Nothing is
# changed unless all of that holds.
#
# usage: install.sh [--to DIR] [--version VERSION] [--from URL|DIR] [--without-signature]
#        install.sh --uninstall [--to DIR]
set -eu

version=@VERSION@
to=${HOME:-}/.local/bin
from=
signature=yes
uninstall=

say() { printf 'install.sh: %s\n' "$*" >&2; }
die() {
    say "$*; nothing was changed"
    exit 2
}

key() {
    cat <<'KEY'
@KEY@
KEY
}

while [ $# -gt 0 ]; do
    case $1 in
    --to | --version | --from)
        [ $# -ge 2 ] || die "$1 needs a value"
        case $1 in
        --to) to=$2 ;;
        --version) version=${2#v} ;;
        --from) from=$2 ;;
        esac
        shift 2
        ;;
    --without-signature) signature= && shift ;;
    --uninstall) uninstall=yes && shift ;;
    -h | --help)
        sed -n '2,7s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *) die "there is no option $1 (--help lists them)" ;;
    esac
done

if [ -n "$uninstall" ]; then
    [ -f "$to/flux-apim" ] || die "$to/flux-apim is not there (--to names the folder)"
    rm -f "$to/flux-apim" || die "cannot remove $to/flux-apim"
    say "removed $to/flux-apim"
    exit 0
fi

case $version in
*[!0-9A-Za-z.+-]* | '') die "\`$version\` is no version" ;;
esac
from=${from:-https://github.com/flux-apim/flux-apim/releases/download/v$version}

case $(uname -s)/$(uname -m) in
Linux/x86_64 | Linux/amd64) target=x86_64-unknown-linux-gnu ;;
Linux/aarch64 | Linux/arm64) target=aarch64-unknown-linux-gnu ;;
Darwin/x86_64) target=x86_64-apple-darwin ;;
Darwin/arm64) target=aarch64-apple-darwin ;;
*) die "there is no archive for $(uname -s) on $(uname -m); build it with cargo" ;;
esac

has() { command -v "$1" >/dev/null 2>&1; }

if has sha256sum; then
    sum() { sha256sum "$1" | cut -d' ' -f1; }
elif has shasum; then
    sum() { shasum -a 256 "$1" | cut -d' ' -f1; }
else
    die "neither sha256sum nor shasum is there to check the archive"
fi
if [ -n "$signature" ] && ! has openssl; then
    die "openssl is not there to check the signature; --without-signature checks the checksum alone"
fi

# The folder is looked at before anything is fetched, and made when all is checked.
above=$to
while [ ! -e "$above" ]; do above=$(dirname "$above"); done
if ! [ -d "$above" ] || ! [ -w "$above" ]; then
    die "cannot write to $above (--to names another folder)"
fi
new=
made=
work=
clean() {
    [ -z "$new" ] || rm -f "$new"
    [ -z "$made" ] || rmdir "$made" 2>/dev/null || :
    [ -z "$work" ] || rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
work=$(mktemp -d) || die "cannot make a temporary folder"

fetch() {
    case $from in
    http://* | https://*)
        if has curl; then
            curl -fsSL --proto-redir '=https' --retry 3 -o "$work/$1" "$from/$1"
        elif has wget; then
            wget -q -O "$work/$1" "$from/$1"
        else
            die "neither curl nor wget is there to fetch $from/$1"
        fi
        ;;
    *) cp "$from/$1" "$work/$1" ;;
    esac || die "cannot fetch $from/$1"
}

archive=flux-apim-$version-$target.tar.gz
fetch SHA256SUMS
if [ -n "$signature" ]; then
    key >"$work/key.pem"
    grep -q 'BEGIN PUBLIC KEY' "$work/key.pem" ||
        die "this script has no key, since its release is not signed; --without-signature checks the checksum alone"
    fetch SHA256SUMS.sig
    openssl base64 -d -A -in "$work/SHA256SUMS.sig" -out "$work/sig" 2>/dev/null || :
    openssl dgst -sha256 -verify "$work/key.pem" -signature "$work/sig" \
        "$work/SHA256SUMS" >/dev/null 2>&1 ||
        die "$from/SHA256SUMS is not signed by the key of this script"
fi
wanted=$(awk -v name="$archive" '$2 == name { print $1 }' "$work/SHA256SUMS")
[ -n "$wanted" ] || die "$from/SHA256SUMS does not list $archive"
fetch "$archive"
found=$(sum "$work/$archive")
[ "$found" = "$wanted" ] || die "$archive has the checksum $found, and must have $wanted"
tar -xzf "$work/$archive" -C "$work" flux-apim || die "cannot unpack $archive"
[ -d "$to" ] || made=$to
mkdir -p "$to" 2>/dev/null || die "cannot make the folder $to (--to names another)"
new=$to/.flux-apim.$$
cat "$work/flux-apim" >"$new" || die "cannot write to $to"
chmod 755 "$new"
"$new" --version >/dev/null 2>&1 || die "the program of $archive does not run here"
made=
mv -f "$new" "$to/flux-apim" || die "cannot write $to/flux-apim"
say "installed $("$to/flux-apim" --version) as $to/flux-apim"
case :$PATH: in
*:"$to":*) ;;
*) say "$to is not on the PATH" ;;
esac
