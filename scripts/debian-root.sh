# shellcheck shell=bash
# Roots of other Debian releases, for the scripts that test there; sourced after lib.sh, never run.
#
# build/roots/<codename> is what debootstrap made, and nobody enters it; what is entered is a copy. A command in such a
# root has a mount, process and IPC namespace of its own: when it ends, however it ends, its processes and mounts are gone
# with the namespaces, and no step of cleaning up has to succeed for that. The network is the machine's.
#
# Mirror, proxies, certificates and npm's registry are read from this machine's configuration each time.

roots=$LOCKSTEP_ROOT/build/roots

# Starts the calling script again under sudo when it was not started by root. Its settings come along.
become_root() { # become_root SCRIPT [ARG]…
	[ "$(id -u)" -ne 0 ] || return 0
	have sudo || die "it needs root: debootstrap and chroot do" "Run it as root, or install sudo."
	note "debootstrap and chroot need root: continuing under sudo"
	exec sudo --preserve-env=VERSIONS,SUITES,RELEASE,HOME,http_proxy,https_proxy,no_proxy,HTTP_PROXY,HTTPS_PROXY,NO_PROXY,npm_config_registry -- "$@"
}

need_tools() {
	local missing=()
	have debootstrap || missing+=(debootstrap)
	have unshare || missing+=(util-linux)
	have git || missing+=(git)
	[ ${#missing[@]} -gt 0 ] || return 0
	have apt-get || die "it needs ${missing[*]}, and there is no apt-get to install them with"
	note "installing ${missing[*]}"
	apt-get -qq update >&2
	DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "${missing[@]}" >&2
}

# One run at a time: two would fill the same roots.
lock_roots() {
	mkdir -p "$roots"
	exec 8>"$roots/.lock"
	flock -n 8 || {
		note "waiting for another run that uses build/roots"
		flock 8
	}
}

# Prints the address of the Debian archive that apt uses here; with LABEL "Debian-Security", of its security archive.
mirror() { # mirror [LABEL]
	local address
	address=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		awk -F'|' -v label="${1:-Debian}" '$1 == "Debian" && $2 == label && !n++ { print $3 }')
	case $address in
	http://* | https://* | file:* | '') printf '%s\n' "${address%/}" ;;
	*) die "cannot use the Debian mirror \"$address\"" "It must be http, https or file in apt's sources." ;;
	esac
}
need_mirror() {
	debian_mirror=$(mirror)
	if [ -z "$debian_mirror" ]; then
		apt-get -qq update >&2 || true # a new machine has no package lists
		debian_mirror=$(mirror)
	fi
	[ -n "$debian_mirror" ] || die "apt's sources name no Debian archive" "The roots are made from the archive that this machine uses."
}

mirror_has() { # mirror_has ADDRESS SUITE
	local file=$roots/.release status=0
	/usr/lib/apt/apt-helper download-file "$1/dists/$2/InRelease" "$file" >/dev/null 2>&1 || status=1
	rm -f "$file"
	return $status
}

# Prints the codename of the most stable Debian release whose archive has PostgreSQL <major>; nothing when none has.
release_with() { # release_with MAJOR
	local place=$roots/lists suite found
	mkdir -p "$place/lists/partial"
	for suite in oldstable stable testing unstable; do
		printf 'deb %s %s main\n' "$debian_mirror" "$suite"
	done >"$place/sources.list"
	local apt=(-o "Dir::Etc::SourceList=$place/sources.list" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$place/lists"
		-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o Acquire::Languages=none)
	# When Debian releases, what the word "stable" stands for changes.
	apt-get "${apt[@]}" -qq --allow-releaseinfo-change update >&2 || die "could not read the lists of $debian_mirror"
	found=$(apt-cache "${apt[@]}" madison "postgresql-server-dev-$1")
	for suite in oldstable stable testing unstable; do
		case $found in
		*" $suite/main "*)
			apt-get "${apt[@]}" indextargets --format '$(RELEASE) $(CODENAME)' 'Created-By: Packages' |
				awk -v suite="$suite" '$1 == suite && !n++ { print $2 }'
			return
			;;
		esac
	done
}

# Makes build/roots/<codename>, unless it is there.
make_base() { # make_base CODENAME
	local script=/usr/share/debootstrap/scripts/$1 new=$roots/.new
	[ ! -d "$roots/$1" ] || return 0
	[ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid # a release younger than this machine's debootstrap
	note "making a root of Debian $1 in build/roots/$1"
	rm -rf "$new"
	http_proxy=${http_proxy:-$(apt-config shell proxy Acquire::http::Proxy | sed "s/^proxy='\(.*\)'$/\1/")} \
		unshare --mount --pid --fork --kill-child debootstrap --variant=minbase "$1" "$new" "$debian_mirror" "$script" \
		>"$roots/debootstrap.log" 2>&1 8>&- || {
		tail -n 20 "$roots/debootstrap.log" >&2
		rm -rf "$new"
		die "could not make a root of Debian $1"
	}
	rm -rf "${new:?}"/var/cache/apt/archives/*.deb
	mv "$new" "$roots/$1"
}

# Copies a base to a directory that does not exist.
copy_base() { # copy_base CODENAME DIRECTORY
	cp -a --reflink=auto "$roots/$1" "$2"
}

# Gives a root this machine's way to the mirror and to npm's registry.
carry_network() { # carry_network ROOT CODENAME
	local root=$1 codename=$2 suite security authority
	cat /etc/resolv.conf >"$root/etc/resolv.conf"
	cat /etc/hosts >"$root/etc/hosts"
	rm -rf "$root"/etc/apt/sources.list.d/*
	{
		printf 'deb %s %s main\n' "$debian_mirror" "$codename"
		suite=$codename-updates
		! mirror_has "$debian_mirror" "$suite" || printf 'deb %s %s main\n' "$debian_mirror" "$suite"
		security=$(mirror Debian-Security)
		suite=$codename-security
		if [ -n "$security" ] && mirror_has "$security" "$suite"; then printf 'deb %s %s main\n' "$security" "$suite"; fi
	} >"$root/etc/apt/sources.list"
	cp -a /etc/apt/trusted.gpg.d/. "$root/etc/apt/trusted.gpg.d/"
	[ ! -e /etc/apt/auth.conf ] || cp -a /etc/apt/auth.conf "$root/etc/apt/"
	[ ! -d /etc/apt/auth.conf.d ] || cp -a /etc/apt/auth.conf.d "$root/etc/apt/"
	apt-config dump | grep -E '^Acquire::(https?::|Retries|Check-Valid-Until)' >"$root/etc/apt/apt.conf.d/00host" || true
	[ -z "${http_proxy:-}" ] || printf 'Acquire::http::Proxy "%s";\n' "$http_proxy" >>"$root/etc/apt/apt.conf.d/00host"
	# Not at its usual place: there the package ca-certificates would overwrite it.
	authority=/etc/ssl/certs/ca-certificates.crt
	if [ -e $authority ]; then
		cp -L $authority "$root/etc/host-authorities.pem"
		printf 'Acquire::https::CaInfo "/etc/host-authorities.pem";\n' >>"$root/etc/apt/apt.conf.d/00host"
	fi
	(umask 077 && host_npmrc "$root" >"$root/etc/host-npmrc")
}

# Gives a root, which has its network, the packages of another release too; only what no other release has comes from there.
carry_release() { # carry_release ROOT CODENAME
	printf 'deb %s %s main\n' "$debian_mirror" "$2" >>"$1/etc/apt/sources.list"
	printf 'Package: *\nPin: release n=%s\nPin-Priority: 50\n' "$2" >"$1/etc/apt/preferences.d/$2"
}

# What in this machine's npm configuration leads to the registry, and nothing else.
host_npmrc() { # host_npmrc ROOT
	local file files=("$HOME/.npmrc" /etc/npmrc /usr/etc/npmrc /usr/local/etc/npmrc)
	for file in "${files[@]}"; do
		[ ! -r "$file" ] || grep -E '^ *(((@[^:]+:)?registry|proxy|https-proxy|noproxy|strict-ssl) *=|//)' "$file" || true
	done
	[ -z "${npm_config_registry:-}" ] || printf 'registry=%s\n' "$npm_config_registry"
	[ ! -e "$1/etc/host-authorities.pem" ] || printf 'cafile=/etc/host-authorities.pem\n'
}

# Runs a command in a root, as its root, with namespaces and an environment of its own. Variables for it: NAME=VALUE first.
enter() { # enter ROOT [NAME=VALUE]… COMMAND [ARG]…
	local root=$1 name environment=(HOME=/root USER=root LOGNAME=root SHELL=/bin/bash "TERM=${TERM:-dumb}"
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
		npm_config_userconfig=/etc/host-npmrc)
	shift
	for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
		[ -z "${!name:-}" ] || environment+=("$name=${!name}")
	done
	[ ! -e "$root/etc/host-authorities.pem" ] || environment+=(NODE_EXTRA_CA_CERTS=/etc/host-authorities.pem)
	# The last bash is process 1 of the namespace: it reaps what others leave, and with it everything ends.
	unshare --mount --pid --ipc --uts --fork --kill-child --propagation private bash -ec '
		root=$1
		shift
		mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
		mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
		mount -t tmpfs -o mode=755,nosuid tmpfs "$root/dev"
		for device in null zero full random urandom tty; do
			touch "$root/dev/$device"
			mount --bind "/dev/$device" "$root/dev/$device"
		done
		mkdir "$root/dev/pts" "$root/dev/shm"
		mount -t devpts -o newinstance,gid=5,mode=620,ptmxmode=666 devpts "$root/dev/pts"
		mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/dev/shm"
		ln -s pts/ptmx "$root/dev/ptmx"
		ln -s /proc/self/fd "$root/dev/fd"
		for number in 0:stdin 1:stdout 2:stderr; do
			ln -s "/proc/self/fd/${number%:*}" "$root/dev/${number#*:}"
		done
		cd "$root"
		exec chroot "$root" env -i "$@"
	' bash "$root" "${environment[@]}" bash -c '"$@"; exit $?' bash env "$@" 8>&-
}
