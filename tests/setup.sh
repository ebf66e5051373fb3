# Sourced by ./demo and ./check: installs what is missing and builds, telling what it does. Debian 12 or newer, as root or with sudo.

build_packages="autoconf autoconf-archive automake libtool pkg-config make gcc libc6-dev
libcurl4-openssl-dev libjansson-dev libsystemd-dev liblmdb-dev libinih-dev libxxhash-dev libunistring-dev libssl-dev libmicrohttpd-dev ca-certificates"
test_packages="libcmocka-dev openssl varlink-go socat python3-pytest jq xz-utils systemd-container prometheus"
# What tests of completion, manual pages, packages and the plugin interface take: where one can't be installed, they are skipped and say so.
extra_test_packages="abigail-tools debhelper dpkg-dev fakeroot lintian man-db mandoc mmdebstrap nghttp2-server systemd zsh"

say() {
        printf '%s\n' "$*" >&2
}

# install_packages NAME…: those that are missing, in one go
install_packages() {
        missing=
        for p in "$@"; do
                dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing="$missing $p"
        done
        [ -n "$missing" ] || return 0
        is_newly_installed=yes
        as_root=
        if [ "$(id -u)" -ne 0 ]; then
                as_root=$(command -v sudo) || {
                        say "These Debian packages are missing:$missing"
                        say "Install them as root (apt-get install$missing), or install sudo."
                        exit 1
                }
        fi
        say "Installing Debian packages:$missing"
        log=$(mktemp)
        # the list of packages may be old or absent: then it is fetched once
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >"$log" 2>&1 ||
                { $as_root apt-get update -q >"$log" 2>&1 &&
                  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >>"$log" 2>&1; } || {
                tail -n 20 "$log" >&2
                rm -f "$log"
                say "The packages could not be installed."
                exit 1
        }
        rm -f "$log"
}

# configure_in DIR [FLAG…]: makes ./configure and DIR/Makefile where they are missing
configure_in() {
        dir=$1
        shift
        if [ ! -x configure ]; then
                say "Generating ./configure"
                mkdir -p m4 build-aux
                autoreconf -fi >autoreconf.log 2>&1 || { cat autoreconf.log >&2; exit 1; }
                rm -f autoreconf.log
        fi
        # what was configured without a package doesn't know that it's there now
        if [ ! -f "$dir/Makefile" ] || [ -n "${is_newly_installed-}" ]; then
                say "Configuring $dir"
                mkdir -p "$dir"
                (cd "$dir" && ../configure -q "$@" >configure.out 2>&1) || { tail -n 20 "$dir/configure.out" >&2; exit 1; }
        fi
}

jobs=$(nproc 2>/dev/null || echo 1)
