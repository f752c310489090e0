#!/usr/bin/env bash
# Brings the real parts that tests/real starts: Debian packages where we may install, and the npm provider.
# Never fails and never asks: what stays missing is printed with the reason, and its tests skip
# (or, with CI=true, fail). No service is started or stopped. OIDC_GATE_NO_APT=1 leaves the system alone.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 0
exec </dev/null
PATH=$PATH:/usr/sbin:/sbin
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 LC_ALL=C

openidc_module=/usr/lib/apache2/modules/mod_auth_openidc.so
provider=tests/real/op_node
policy=/usr/sbin/policy-rc.d
log=$(mktemp)
apt_reason=
npm_reason=

have() {
    case $1 in
        libapache2-mod-auth-openidc) test -e "$openidc_module" ;;
        *) command -v "$1" >/dev/null ;;
    esac
}

missing_packages() {
    local package
    for package in nginx caddy haproxy redis-server chromium apache2 libapache2-mod-auth-openidc; do
        have "$package" || printf '%s ' "$package"
    done
}

# --- Debian packages --------------------------------------------------------------------------------

may_use_apt() {
    sudo=
    [ -z "${OIDC_GATE_NO_APT:-}" ] || { apt_reason="OIDC_GATE_NO_APT is set"; return 1; }
    command -v apt-get >/dev/null || { apt_reason="there is no apt-get here"; return 1; }
    [ "$(id -u)" = 0 ] && return 0
    sudo="sudo -n --preserve-env=DEBIAN_FRONTEND,NEEDRESTART_SUSPEND,LC_ALL"
    sudo -n true 2>/dev/null || { apt_reason="not root, and sudo would ask for a password"; return 1; }
}

# Debian starts a daemon when its package is installed, unless policy-rc.d answers 101.
forbid_starts() {
    [ -e "$policy" ] && [ ! -e "$policy.oidc_gate-saved" ] && $sudo mv "$policy" "$policy.oidc_gate-saved"
    printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null && $sudo chmod 755 "$policy"
}

allow_starts() {
    $sudo rm -f "$policy"
    [ ! -e "$policy.oidc_gate-saved" ] || $sudo mv "$policy.oidc_gate-saved" "$policy"
}

# Installed by us for tests alone: it shall not start at the next boot either.
stay_off_at_boot() {
    local unit
    command -v systemctl >/dev/null || return 0
    for unit in nginx caddy haproxy redis-server apache2; do
        case " $* " in *" $unit "*) $sudo systemctl disable "$unit" >>"$log" 2>&1 ;; esac
    done
}

apt_install() {
    $sudo apt-get install -qy --no-install-recommends --no-upgrade -o DPkg::Lock::Timeout=300 "$@" >>"$log" 2>&1
}

install_packages() {
    local package
    # The lists may be fresh already; fetching them is the slow part.
    apt_install "$@" && return
    $sudo apt-get update -q >>"$log" 2>&1
    apt_install "$@" && return
    # One package that this release does not know must not cost us the others.
    for package in "$@"; do
        apt_install "$package" || apt_reason="apt-get: $(grep -E '^E:' "$log" | tail -n 1)"
    done
}

packages=$(missing_packages)
if [ -n "$packages" ] && may_use_apt; then
    echo "installing with apt: $packages"
    trap allow_starts EXIT
    forbid_starts
    # shellcheck disable=SC2086  # a list of words
    install_packages $packages
    # shellcheck disable=SC2086
    stay_off_at_boot $packages
    allow_starts
    trap - EXIT
fi

# --- the npm provider -------------------------------------------------------------------------------

provider_is_current() {
    [ "$provider/node_modules/.stamp" -nt "$provider/package-lock.json" ] &&
        [ "$provider/node_modules/.stamp" -nt "$provider/package.json" ]
}

install_provider() {
    command -v node >/dev/null || { npm_reason="node is not installed (20 or later)"; return; }
    command -v npm >/dev/null || { npm_reason="npm is not installed"; return; }
    # Scripts of packages never run here.
    if npm --prefix "$provider" ci --ignore-scripts --no-progress >"$log" 2>&1; then
        touch "$provider/node_modules/.stamp"
    else
        npm_reason="npm ci: $(grep -iE 'npm (err|error)' "$log" | head -n 1)"
    fi
}

provider_is_current || install_provider

# --- report -----------------------------------------------------------------------------------------

for package in $(missing_packages); do
    echo "missing: $package (${apt_reason:-apt-get did not bring it})"
done
[ -z "$npm_reason" ] || echo "missing: npm oidc-provider ($npm_reason)"
rm -f "$log"
exit 0
