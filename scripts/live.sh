# Sourced by scripts/nightly and scripts/gate: runs scenarios on staging, live proof demanded, and believes only a receipt.
#
# live_run NAME PATH [--out DIR] [--jobs N]: no other word is taken, so that nothing (--help, a later --target) can make
# a command that proves nothing end with 0. The session has a name of its own, and its receipt must say 0 as well.

live_run() {
    name=$1 path=$2 out=e2e-runs jobs=1
    shift 2
    while [ $# -gt 0 ]; do
        case $1 in
        --out) [ $# -ge 2 ] && [ -n "$2" ] && out=$2 ;;
        --jobs) [ $# -ge 2 ] && jobs=$2 ;;
        *) false ;;
        esac || { echo "error: $1: scripts/$name takes --out DIR and --jobs N, and nothing else" >&2; return 2; }
        shift 2
    done
    unset _CONCIERGE_E2E_COMPLETE E2E_KEEP_ORG
    E2E_RUN_ID=${E2E_RUN_ID:-$name-$(date -u +%Y%m%dT%H%M%SZ)-$$}
    export E2E_RUN_ID E2E_REQUIRE_LIVE=1
    if [ -e "$out/$E2E_RUN_ID/session.json" ]; then
        echo "error: $out/$E2E_RUN_ID has a receipt already; choose another E2E_RUN_ID or --out" >&2
        return 2
    fi
    code=0
    "$root/scripts/e2e" run "$path" --target staging --require-live --keep never --out "$out" --jobs "$jobs" || code=$?
    if [ "$code" -eq 0 ] && ! grep -q '^  "code": 0,$' "$out/$E2E_RUN_ID/session.json"; then
        echo "error: HARNESS receipt-missing: the process ended with 0, and $out/$E2E_RUN_ID has no receipt that says so" >&2
        return 70
    fi
    return "$code"
}
