# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# For scripts to source: an apt with lists and a sources file of its own, for any architecture of
# Debian. It installs nothing and tells the machine's dpkg nothing. The mirror is the one that the
# machine uses anyway, or $PLAINTAP_DEBIAN_MIRROR.
#
# Before: skip(), which says why there is nothing to be had, and ends; $arch.
# After: $work, a folder for this run, with an empty $work/deb.

command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
	skip 'needs apt-get and dpkg-deb'

# The first address in the machine's sources that ends like a Debian mirror.
mirror=${PLAINTAP_DEBIAN_MIRROR:-$(sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] *\)\{0,1\}//p' \
	/etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources \
	2>/dev/null | cut -d' ' -f1 | grep -E '/debian/?$' | head -n 1)} || true
[ "$mirror" ] || skip 'no Debian mirror in the sources of apt; name one in PLAINTAP_DEBIAN_MIRROR'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

private_apt() { # apt-get or apt-cache, arguments
	command=$1
	shift
	"$command" -qq -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o Dir::State="$work/state" -o Dir::State::Lists="$work/lists" \
		-o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" \
		-o APT::Architecture="$arch" -o APT::Architectures="$arch" \
		-o Acquire::Languages=none -o Acquire::Retries=1 -o APT::Sandbox::User= \
		-o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 "$@"
}

update() { # suite
	rm -rf "$work"/*
	mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/state" "$work/deb"
	: >"$work/status"
	echo "deb [arch=$arch] $mirror $1 main" >"$work/sources.list"
	# apt-get calls a list that it could not read a warning; with "any" it is an error.
	private_apt apt-get -o APT::Update::Error-Mode=any update >"$work/log" 2>&1 ||
		skip "the package lists of $1 ($arch) cannot be read: $(tail -n 1 "$work/log")"
}

download() { # what they are, package...
	what=$1
	shift
	(cd "$work/deb" && private_apt apt-get download "$@") >"$work/log" 2>&1 ||
		skip "$what ($arch) cannot be fetched: $(tail -n 1 "$work/log")"
}
