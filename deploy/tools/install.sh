#!/usr/bin/env bash
# Installs what the tests need, on Debian, without asking anything: gcc for the race
# detector, mosquitto, chromium, zbar and poppler, influxd, golangci-lint, axe-core and flux-lsp-node. Run
# again, it only looks whether all of it is there.
#
# - mosquitto, chromium, zbar, poppler and gcc come from Debian and are the only things
#   installed into the system, each only where it is missing. Tests start their own mosquitto; Debian's
#   service is neither started nor enabled by this script, and one that was there before
#   is left alone.
# - Everything else lives in ${XDG_CACHE_HOME:-~/.cache}/meldefunk and can be deleted.
# - influxd 1.8.10 is built from its Go module, because it has Flux. Where that module
#   cannot be had, Debian's package (1.6.7, without Flux) is unpacked, not installed.
set -euo pipefail

tools=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/meldefunk
influxd_version=1.8.10
axe_version=4.14.1
axe_sha256=29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c
flux_version=0.8.40
flux_sha256=aa8baf5b2b252dda9df5230eb9d29ffe50d389182ab4ed32a1bb4099f86561bd
export PATH=$PATH:/usr/sbin:/sbin DEBIAN_FRONTEND=noninteractive

say() { echo "tools: $*"; }
die() { echo "tools: $*" >&2; exit 1; }
has() { command -v "$1" >/dev/null; }

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
		return
	fi
	sudo -n true 2>/dev/null || die "need root for: $*; run as root, or allow sudo without a password"
	sudo -n -E "$@"
}

updated=
apt_update() {
	[ -n "$updated" ] || as_root apt-get -qq update
	updated=yes
}

# A policy that forbids starting services, as invoke-rc.d(8) describes it, for as long as
# packages are being installed. One that is there already stays.
policy=/usr/sbin/policy-rc.d
our_policy=
forbid_services() {
	[ ! -e $policy ] || return 0
	our_policy=yes
	trap allow_services EXIT
	printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
	as_root chmod 755 $policy
}
allow_services() {
	[ -z "$our_policy" ] || as_root rm -f $policy
	our_policy=
}

debian() {
	local wanted=()
	has gcc || wanted+=(gcc libc6-dev) # what the race detector is linked with
	[ -e /etc/ssl/certs/ca-certificates.crt ] || wanted+=(ca-certificates)
	has mosquitto || wanted+=(mosquitto)
	has chromium || wanted+=(chromium fonts-liberation)
	has zbarimg || wanted+=(zbar-tools)      # reads the QR codes of labels
	has pdftoppm || wanted+=(poppler-utils)  # draws sheets of labels, reads their text
	has npm || wanted+=(npm)
	[ ${#wanted[@]} -gt 0 ] || return 0
	say "installing from Debian: ${wanted[*]}"
	apt_update
	forbid_services
	as_root apt-get -qq install -y --no-install-recommends "${wanted[@]}" >/dev/null
	case " ${wanted[*]} " in
	*" mosquitto "*) as_root update-rc.d mosquitto disable >/dev/null ;;
	esac
	allow_services
}

influxd() {
	local to=$cache/bin/influxd
	[ ! -x "$to" ] || return 0
	if GOBIN=$cache/bin go install -ldflags "-X main.version=$influxd_version" \
		"github.com/influxdata/influxdb/cmd/influxd@v$influxd_version" 2>"$cache/influxd.log"; then
		say "influxd $influxd_version built"
		return 0
	fi
	say "influxd $influxd_version cannot be had as a Go module here (see $cache/influxd.log); taking Debian's, which has no Flux"
	local dir
	dir=$(mktemp -d "$cache/influxdb.XXXXXX")
	(
		cd "$dir"
		apt-get -qq download influxdb 2>/dev/null || { apt_update && apt-get -qq download influxdb; }
		dpkg-deb -x influxdb_*.deb .
	) || { rm -rf "$dir"; die "Debian's influxdb package cannot be had either"; }
	mv "$dir/usr/bin/influxd" "$to"
	rm -rf "$dir"
}

# The linter is pinned by go.mod and go.sum beside this script, and built anew when they
# or Go change: a linter must not be older than the language it reads.
linter() {
	local to=$cache/bin/golangci-lint stamp=$cache/golangci-lint.stamp is
	is=$(cat "$tools/go.mod" "$tools/go.sum" <(go env GOVERSION) | sha256sum)
	if [ -x "$to" ] && [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$is" ]; then return 0; fi
	say "building golangci-lint (about 2 minutes)"
	go -C "$tools" build -o "$to" github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	echo "$is" >"$stamp"
}

axe() {
	local to=$cache/axe/node_modules/axe-core/axe.min.js
	if [ ! -e "$to" ]; then
		say "installing axe-core $axe_version"
		npm install --prefix "$cache/axe" --loglevel error --ignore-scripts --no-audit --no-fund --no-package-lock --no-save \
			"axe-core@$axe_version" >/dev/null
	fi
	echo "$axe_sha256  $to" | sha256sum --check --quiet || die "$to is not axe-core $axe_version; delete it and try again"
}

# The language server of InfluxData judges queries in Flux; there is no InfluxDB with Flux.
flux() {
	local to=$cache/flux/node_modules/@influxdata/flux-lsp-node/flux-lsp-node_bg.wasm
	if [ ! -e "$to" ]; then
		say "installing flux-lsp-node $flux_version"
		npm install --prefix "$cache/flux" --loglevel error --ignore-scripts --no-audit --no-fund --no-package-lock --no-save \
			"@influxdata/flux-lsp-node@$flux_version" >/dev/null
	fi
	echo "$flux_sha256  $to" | sha256sum --check --quiet || die "$to is not flux-lsp-node $flux_version; delete it and try again"
}

mkdir -p "$cache/bin"
exec 9>"$cache/lock"
flock 9 # two runs at once install once
debian
influxd
linter
axe
flux
say "all there: $(mosquitto -h | head -1), $("$cache/bin/influxd" version | cut -d' ' -f1-2), $(chromium --version --no-sandbox 2>/dev/null | cut -d' ' -f1-2), axe-core $axe_version"
