#!/bin/sh
# The container's entrypoint (docs/platform.md, template: boot). Plain sh without `set -e`: no step may abort a boot.
# It runs twice: first as the container's user (root), then again as the agent, handed over by gosu.
# CONTAINER_ROOT is empty in a real container; where a container is a plain process it is the folder that stands for /.
root=${CONTAINER_ROOT:-}
stage=${ENTRYPOINT_STAGE:-root}

owner() { # path -> uid of its owner
  # shellcheck disable=SC2046  # the words of the line are wanted one by one
  set -- $(ls -ldn "$1")
  echo "$3"
}

named() { if [ "$1" = 0 ]; then echo root; else echo agent; fi; }

listing() { # path -> `ls -ld` of it as the container sees it, or MISSING
  [ -d "$root$1/" ] || { echo MISSING; return; }
  # shellcheck disable=SC2046  # the words of the line are wanted one by one
  set -- "$1" $(ls -ldnL "$root$1")
  echo "$2 $3 $(named "$4") $(named "$5") $6 $7 $8 $9 $1"
}

banner() { # stage
  uid=$(id -u)
  echo "----- entrypoint boot $(date -u +%Y-%m-%dT%H:%M:%SZ) -----"
  if [ "$1" = root ]; then echo "uid=$uid gid=$(id -g) user=root"; else echo "uid=$uid gid=$(id -g) user=agent"; fi
  echo "hostname=${HOSTNAME:-$(uname -n)} workspace_id=${WORKSPACE_ID:-<unset>}"
  echo "platform_url=${PLATFORM_URL:-<unset>}"
  echo "configs_dir: $(listing /configs)"
  contents=
  for entry in "$root"/configs/*; do [ -e "$entry" ] && contents="$contents${entry##*/} "; done
  echo "configs_contents: $contents"
  echo "workspace_dir: $(listing /workspace)"
  for name in CLAUDE_CODE_OAUTH_TOKEN ANTHROPIC_API_KEY ANTHROPIC_AUTH_TOKEN ANTHROPIC_BASE_URL \
    MINIMAX_API_KEY GLM_API_KEY KIMI_API_KEY DEEPSEEK_API_KEY; do
    eval "value=\${$name:-}"
    if [ -n "$value" ]; then echo "env $name=set"; else echo "env $name=unset"; fi
  done
  echo "------------------------------------------------"
}

banner "$stage"
if [ "$stage" = root ]; then
  if [ -e "$root/configs/.restore-completed" ]; then
    echo "MOLECULE-RESTORE: marker /configs/.restore-completed present — skipping (already restored on this EC2)"
  else
    echo "MOLECULE-RESTORE: no /dev/xvdb — first-time provision or no backup snapshot, skipping"
  fi
  # The agent may be this very user (a container that is a plain process of somebody who is not root): nothing to hand over.
  agent=$(owner "$root/home/agent")
  hand_over() { [ "$agent" = "$(id -u)" ] || chown -R "$agent:$agent" "$@" 2>/dev/null; }
  hand_over "$root/configs/"
  if [ -n "${MOLECULE_DECLARED_PLUGINS:-}" ]; then
    python3 -m molecule_runtime.declared_plugins
    hand_over "$root/configs/plugins/"
  fi
  mkdir -p "$root/workspace/.molecule/chat-uploads" "$root/home/agent/.claude/sessions" \
    "$root/home/agent/.claude/session-env" "$root/home/agent/.molecule-token-cache" "$root/home/agent/Downloads"
  chmod 700 "$root/home/agent/.molecule-token-cache"
  # The agent's own settings stub: a different file from the one under /configs, and without servers.
  stub="$root/home/agent/.claude/settings.json"
  [ -e "$stub" ] || printf '%s\n' '{"permissions": {"defaultMode": "bypassPermissions"}, "_note": "written at boot"}' >"$stub"
  hand_over "$root/workspace" "$root/home/agent" "$root/tmp/agent"
  ENTRYPOINT_STAGE=agent
  export ENTRYPOINT_STAGE
  exec gosu agent "$0" "$@"
fi

if [ -n "${GIT_HTTP_USERNAME:-}" ] && [ -n "${GIT_HTTP_PASSWORD:-}" ]; then
  (umask 077 && printf 'machine git.moleculesai.app\nlogin %s\npassword %s\n' \
    "$GIT_HTTP_USERNAME" "$GIT_HTTP_PASSWORD" >"$root/home/agent/.netrc")
  echo "wrote /home/agent/.netrc (mode 600) for git.moleculesai.app"
else
  echo "::warning::GIT_HTTP_USERNAME or GIT_HTTP_PASSWORD not set; skipping ~/.netrc setup. Gitea curl calls will need an alternative safe-auth method." >&2
fi
unset ENTRYPOINT_STAGE
exec molecule-runtime "$@"
