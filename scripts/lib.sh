# shellcheck shell=bash
# Shared by the scripts beside it; sourced, never run.
#
# Two facts shape everything here. PostgreSQL refuses to run as root, so a script started by root hands the server
# to an unprivileged user. And that user must be able to reach the server tree and the cluster, which it cannot
# when the checkout lies under a closed home directory: such things then live under /var/tmp, with a symbolic link
# in their usual place.

set -euo pipefail
umask 022
PATH=$PATH:/usr/sbin:/sbin # runuser is there; a user's PATH has neither

LOCKSTEP_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

note() { printf '%s\n' "$*" >&2; }
die() {
	printf '%s: %s\n' "$(basename "$0")" "$1" >&2
	shift
	[ $# -eq 0 ] || printf '%s\n' "$@" >&2
	exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

lockstep_version() {
	sed -n "s/^default_version *= *'\([^']*\)'.*/\1/p" "$LOCKSTEP_ROOT/extension/lockstep.control"
}

# The server major to build and test against: $PG_MAJOR, or the newest one whose server and headers are both here.
# Prints nothing when there is none.
pg_major() {
	local candidate
	if [ -n "${PG_MAJOR:-}" ]; then
		printf '%s\n' "$PG_MAJOR"
		return
	fi
	for candidate in $(find /usr/lib/postgresql -mindepth 1 -maxdepth 1 -name '[1-9]*' -printf '%f\n' 2>/dev/null | sort -rn); do
		if [ -x "/usr/lib/postgresql/$candidate/bin/postgres" ] &&
			[ -d "/usr/include/postgresql/$candidate/server" ]; then
			printf '%s\n' "$candidate"
			return
		fi
	done
}

# The majors before that one, from 15 on, whose servers and headers are here too; oldest first, on one line.
earlier_majors() {
	local major candidate majors=()
	major=$(pg_major)
	for ((candidate = 15; candidate < ${major:-0}; candidate++)); do
		if [ -x "/usr/lib/postgresql/$candidate/bin/postgres" ] && [ -d "/usr/lib/postgresql/$candidate/lib/pgxs" ] &&
			[ -d "/usr/include/postgresql/$candidate/server" ]; then
			majors+=("$candidate")
		fi
	done
	printf '%s\n' "${majors[*]-}"
}

# The user that runs servers: the caller, or for root an unprivileged user that exists.
server_user() {
	local candidate
	if [ "$(id -u)" -ne 0 ]; then
		id -un
		return
	fi
	for candidate in ${LOCKSTEP_SERVER_USER:-} postgres nobody; do
		if id -u "$candidate" >/dev/null 2>&1 && [ "$(id -u "$candidate")" -ne 0 ]; then
			printf '%s\n' "$candidate"
			return
		fi
	done
	die "no unprivileged user to run PostgreSQL as" "Set LOCKSTEP_SERVER_USER to one."
}

# Runs a command as the server user, in a directory that this user can enter.
as_server() {
	if [ "$(id -u)" -ne 0 ]; then
		"$@"
	else
		(cd / && exec runuser -u "$(server_user)" -- "$@")
	fi
}

# May the server user enter this existing directory (with every directory above it)?
server_can_enter() { as_server test -x "$1" 2>/dev/null; }

# Makes PATH a directory which the server user can reach: in place, or under /var/tmp with a symbolic link at PATH.
# Prints the physical path.
reachable_dir() {
	local path=$1 real
	if [ -L "$path" ] && [ ! -d "$path" ]; then
		rm -f "$path" # the target was swept away with /var/tmp
	fi
	if [ ! -d "$path" ]; then
		mkdir -p "$(dirname "$path")"
		if server_can_enter "$(dirname "$path")"; then
			mkdir "$path"
		else
			real=$(mktemp -d "/var/tmp/lockstep-$(basename "$path").XXXXXX")
			chmod 755 "$real"
			ln -s "$real" "$path"
		fi
	fi
	(cd "$path" && pwd -P)
}

# Removes what reachable_dir made, and only that.
remove_reachable_dir() {
	local path=$1 real
	if [ -L "$path" ]; then
		real=$(readlink "$path")
		case $real in /var/tmp/lockstep-*) rm -rf "$real" ;; esac
	fi
	rm -rf "$path"
}
