#!/usr/bin/env bash
# A high-availability controller. It starts programs and lets introspectd watch them. It kills and restarts each
# program that uses too much of a resource or is deadlocked. It needs curl and jq.
#
#   controller.sh URL PROGRAMS CURSOR      (--help explains these)
#
# The controller and introspectd may be killed at any moment. At its start the controller reads the present state
# from the tree. The file CURSOR has the cursor of the last event that it has acted on. So an event may come twice,
# and none is missed. Acting twice does no harm, because a process is named by its identity, which is never reused.
#
# Give the programs unique names. The controller recognises them by name, so it would take another program with the
# same name for its own, and kill it.
set -u

usage() {
  cat <<'END'
usage: controller.sh URL PROGRAMS CURSOR
  URL       of introspectd, such as http://127.0.0.1:7007
  PROGRAMS  file with one program a line: its process name, which is unique, its command, its arguments
  CURSOR    file that stores the cursor of the last event; it need not exist yet
END
}

[[ ${1-} == --help ]] && { usage; exit 0; }
[[ $# == 3 ]] || { usage >&2; exit 2; }
url=$1 programs=$2 cursor_file=$3

types=process.created,process.changed,process.died,threshold.tripped,deadlock.detected,deadlock.orphaned,events.lost
declare -A too_much=([fds]='{"at":80}' [memory]='{"at":67108864}' [stack]='{"at":"60%","per":"thread"}')
declare -A command                   # by name
declare -A pid_of identity_of ticks  # by name; the identity is empty until introspectd has reported it
while read -r name line; do command[$name]=$line; done <"$programs"

# METHOD PATH [IDENTITY] [BODY]: sets status, body and cursor. Ends the session if there is no reply.
ask() {
  local method=$1 path=$2 identity=${3-} data=${4-}
  body=$(curl -sS --max-time 10 -X "$method" ${identity:+-H "If-Process: $identity"} \
    ${data:+-H 'Content-Type: application/json' --data-binary "$data"} \
    -w '\n%{http_code} %header{introspect-cursor}' "$url$path") || exit 1
  read -r status cursor <<<"${body##*$'\n'}"
  body=${body%$'\n'*}
  # The caller handles 'gone' and 'forbidden'.
  [[ $status =~ ^(20.|403|404|412)$ ]] || { echo "refused $status $body"; exit 1; }
}

# PID: prints the start time of the process in ticks since boot, or nothing if there is no such process.
ticks_of() {
  local stat
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 0
  read -ra stat <<<"${stat##*) }"
  echo "${stat[19]}"
}

start() {
  # shellcheck disable=SC2086 — the command is split into words
  setsid ${command[$1]} </dev/null >/dev/null 2>&1 &
  disown
  pid_of[$1]=$! identity_of[$1]='' ticks[$1]=$(ticks_of $!)
  echo "started $1 $!"
}

# NAME PID IDENTITY: sets the timer and the thresholds on exactly this process. Does nothing if it has ended.
adopt() {
  local limit began
  began=$(ticks_of "$2")
  ask PUT "/sys/proc/$2/timeout" "$3" '{"after":"500ms"}'
  [[ $status == 20? ]] || return 0
  pid_of[$1]=$2 identity_of[$1]=$3 ticks[$1]=$began
  echo "adopted $1 $3"
  for limit in "${!too_much[@]}"; do
    ask PUT "/sys/proc/$2/$limit/threshold/controller" "$3" "${too_much[$limit]}"
    [[ $status == 20? && $(jq -r .state <<<"$body") == tripped ]] && end "$1" "$3" 'found tripped'
  done
  return 0
}

# NAME IDENTITY WHY: kills the process.
end() {
  local pid=${pid_of[$1]}
  ask POST "/sys/proc/$pid/signal" "$2" '{"signal":"SIGKILL"}'
  [[ $status == 404 || $status == 412 ]] && return
  # Without --allow-actions: kill by pid, if the pid still belongs to the adopted process.
  if [[ $status == 403 ]]; then
    [[ -n ${ticks[$1]} && $(ticks_of "$pid") == "${ticks[$1]}" ]] || return
    kill -KILL "$pid" || return
  fi
  echo "killed $1 $2 $3"
}

# WHY PID...: kills the members of a deadlock that are ours.
end_members() {
  local why=$1 name pid
  for pid in "${@:2}"; do
    for name in "${!pid_of[@]}"; do
      [[ ${pid_of[$name]} == "$pid" && -n ${identity_of[$name]} ]] && end "$name" "${identity_of[$name]}" "$why"
    done
  done
}

# Compares the running processes with the programs, adopts or starts each, and sets the cursor of this state.
reconcile() {
  local name pid identity path pids at
  local -A there=()
  ask GET /sys/proc
  at=$cursor
  while IFS=$'\t' read -r name pid identity; do
    [[ -n ${command[$name]-} ]] && there[$name]="$pid $identity"
  done < <(jq -r '.entries[] | [.name, .pid, .identity] | @tsv' <<<"$body")
  for name in "${!command[@]}"; do
    if [[ -n ${there[$name]-} ]]; then adopt "$name" ${there[$name]}
    # introspectd may not have seen a process that was started just now.
    elif [[ -n ${identity_of[$name]-} || -z $(ticks_of "${pid_of[$name]-0}") ]]; then start "$name"; fi
  done
  ask GET /sys/deadlocks
  while read -r path pids; do end_members "$path" $pids; done < <(jq -r '.entries[] | select(.kind != "suspected") |
    [.path, (.members[].path | split("/")[3])] | join(" ")' <<<"$body")
  cursor=$at
}

# SEQUENCE TYPE SUBJECT NAME IDENTITY PID MEMBERS: acts on one event.
act() {
  echo "seen $1 $2 $3"
  case $2 in
    events.lost) reconcile ;;
    deadlock.*) # A repeated event may be old: its members may have ended, and other processes may have their pids.
      ask GET "$3"
      [[ $status == 200 ]] && end_members "$1" $7 ;;
    *)
      [[ -n ${command[$4]-} && $5 != - ]] || return
      local known=${identity_of[$4]-}
      case $2 in
        threshold.tripped) [[ $known == "$5" ]] && end "$4" "$5" "$1" ;;
        process.died) [[ $known == "$5" || (-z $known && ${pid_of[$4]-} == "$6") ]] && start "$4" ;;
        *) [[ $known == "$5" ]] || adopt "$4" "$6" "$5" ;;
      esac ;;
  esac
}

# CURSOR: writes two files in turn, so that one is always complete. Starting a program for it would cause three more
# events.
turn=0
save_cursor() {
  turn=$((1 - turn))
  echo "$1" >"$cursor_file.$turn"
}

# Sets `after` to the stored cursor, and leaves it unchanged if there is none.
recall() {
  local file saved newest=''
  for file in "$cursor_file".[01]; do
    [[ -e $file ]] && read -r saved <"$file" && [[ $saved =~ ^[0-9]{20}$ && $saved > $newest ]] && newest=$saved
  done
  after=${newest:-$after}
}

# Runs one connection in its own shell. An event that was not acted on when it ends arrives again in the next.
session() {
  local fields after
  reconcile
  after=$cursor
  recall
  # One line per event, with `-` for a missing field. curl ends a connection that is silent for too long.
  while IFS=$'\t' read -ra fields; do
    [[ ${fields[1]} == bookmark ]] || act "${fields[@]}"
    save_cursor "${fields[0]}"
  done < <(curl -sSN -D "$cursor_file.headers" --speed-limit 1 --speed-time 75 -H 'Accept: text/event-stream' \
    "$url/sys?types=$types&after=$after" | jq -rR --unbuffered 'select(startswith("data: ")) | .[6:] | fromjson |
      [.sequence // .data.cursor, .type, .subject, .data.name // "-", .data.identity // "-", .data.pid // "-",
       ([.data.members[]?.path | split("/")[3]] | unique | join(" "))] | @tsv')
  # The events after our cursor are gone. The next session reads the state from the tree.
  grep -q '^HTTP[^ ]* 410' "$cursor_file.headers" && rm -f "$cursor_file".[01]
}

wait_ms=250
while :; do
  SECONDS=0
  (session)
  ((wait_ms = SECONDS > 10 ? 250 : wait_ms < 15000 ? wait_ms * 2 : 30000))
  sleep "$(printf '%d.%03d' $((RANDOM % wait_ms / 1000)) $((RANDOM % wait_ms % 1000)))"
done
