#!/usr/bin/env bash
# A controller for high availability: it starts programs, has introspectd watch them, and kills and restarts each that hogs
# something or is deadlocked. It needs curl and jq.
#
#   controller.sh URL PROGRAMS CURSOR      (PROGRAMS: a file, a line each: name, command, arguments)
#
# It may be killed at any moment, and so may introspectd. What it knows is in the tree, so it reads that when it begins; how far
# it has heard is in the file CURSOR, written after what was heard has been acted on. So an event may come twice and none is
# missed, and acting twice does no harm: a process is meant by its identity, which no other ever has, whatever its pid.
#
# Programs are known by their names, so no other program of the machine may have one of them: it would be taken for one of
# these, and killed. Give them names of their own.
set -u
url=$1 programs=$2 cursor_file=$3

types=process.created,process.changed,process.died,threshold.tripped,deadlock.detected,deadlock.orphaned,events.lost
declare -A too_much=([fds]='{"at":80}' [memory]='{"at":67108864}' [stack]='{"at":"60%","per":"thread"}')
declare -A command                   # by name
declare -A pid_of identity_of ticks  # of what runs, by name; the identity is empty until introspectd has told of it
while read -r name line; do command[$name]=$line; done <"$programs"

# METHOD PATH [IDENTITY] [BODY]: sets status, body and cursor. Without an answer the session is over.
ask() {
  local method=$1 path=$2 identity=${3-} data=${4-}
  body=$(curl -sS --max-time 10 -X "$method" ${identity:+-H "If-Process: $identity"} \
    ${data:+-H 'Content-Type: application/json' --data-binary "$data"} \
    -w '\n%{http_code} %header{introspect-cursor}' "$url$path") || exit 1
  read -r status cursor <<<"${body##*$'\n'}"
  body=${body%$'\n'*}
  # Gone and forbidden are answers, and told apart by who asks.
  [[ $status =~ ^(20.|403|404|412)$ ]] || { echo "refused $status $body"; exit 1; }
}

# When it was started, in ticks since boot; nothing where there is none.
ticks_of() {
  local stat
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 0
  read -ra stat <<<"${stat##*) }"
  echo "${stat[19]}"
}

start() {
  # shellcheck disable=SC2086 — the words of the command
  setsid ${command[$1]} </dev/null >/dev/null 2>&1 &
  disown
  pid_of[$1]=$! identity_of[$1]='' ticks[$1]=$(ticks_of $!)
  echo "started $1 $!"
}

# NAME PID IDENTITY: has introspectd watch this very process. It is ours if it is still there.
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

# NAME IDENTITY WHY
end() {
  local pid=${pid_of[$1]}
  ask POST "/sys/proc/$pid/signal" "$2" '{"signal":"SIGKILL"}'
  [[ $status == 404 || $status == 412 ]] && return
  # Without --allow-actions: by the pid, if it is still that of the process that was adopted.
  if [[ $status == 403 ]]; then
    [[ -n ${ticks[$1]} && $(ticks_of "$pid") == "${ticks[$1]}" ]] || return
    kill -KILL "$pid" || return
  fi
  echo "killed $1 $2 $3"
}

# WHY PID...: the members of a deadlock
end_members() {
  local why=$1 name pid
  for pid in "${@:2}"; do
    for name in "${!pid_of[@]}"; do
      [[ ${pid_of[$name]} == "$pid" && -n ${identity_of[$name]} ]] && end "$name" "${identity_of[$name]}" "$why"
    done
  done
}

# Brings what runs to what is to run, whatever happened meanwhile. Sets cursor, which it is true at.
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
    # What was started just now may not have been told of yet.
    elif [[ -n ${identity_of[$name]-} || -z $(ticks_of "${pid_of[$name]-0}") ]]; then start "$name"; fi
  done
  ask GET /sys/deadlocks
  while read -r path pids; do end_members "$path" $pids; done < <(jq -r '.entries[] | select(.kind != "suspected") |
    [.path, (.members[].path | split("/")[3])] | join(" ")' <<<"$body")
  cursor=$at
}

# SEQUENCE TYPE SUBJECT NAME IDENTITY PID MEMBERS
act() {
  echo "seen $1 $2 $3"
  case $2 in
    events.lost) reconcile ;;
    deadlock.*) # Of one that is told of again the members may have ended, and others have their pids: it is there no more.
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

# Two files in turn, so that one is always whole. No program is started for it: that would be three more events, each time.
turn=0
keep() {
  turn=$((1 - turn))
  echo "$1" >"$cursor_file.$turn"
}

# Sets after, which is as it was where none is kept.
recall() {
  local file kept newest=''
  for file in "$cursor_file".[01]; do
    [[ -e $file ]] && read -r kept <"$file" && [[ $kept =~ ^[0-9]{20}$ && $kept > $newest ]] && newest=$kept
  done
  after=${newest:-$after}
}

# One connection. Each is a shell of its own: what was not done when it ends is done when it is heard again.
session() {
  local fields after
  reconcile
  after=$cursor
  recall
  # A line an event; `-` is for what it has not. Too long without a word, and the line is dead.
  while IFS=$'\t' read -ra fields; do
    [[ ${fields[1]} == bookmark ]] || act "${fields[@]}"
    keep "${fields[0]}"
  done < <(curl -sSN -D "$cursor_file.headers" --speed-limit 1 --speed-time 75 -H 'Accept: text/event-stream' \
    "$url/sys?types=$types&after=$after" | jq -rR --unbuffered 'select(startswith("data: ")) | .[6:] | fromjson |
      [.sequence // .data.cursor, .type, .subject, .data.name // "-", .data.identity // "-", .data.pid // "-",
       ([.data.members[]?.path | split("/")[3]] | unique | join(" "))] | @tsv')
  # The events after our cursor are no longer kept: what they told is in the tree.
  grep -q '^HTTP[^ ]* 410' "$cursor_file.headers" && rm -f "$cursor_file".[01]
}

wait_ms=250
while :; do
  SECONDS=0
  (session)
  ((wait_ms = SECONDS > 10 ? 250 : wait_ms < 15000 ? wait_ms * 2 : 30000))
  sleep "$(printf '%d.%03d' $((RANDOM % wait_ms / 1000)) $((RANDOM % wait_ms % 1000)))"
done
