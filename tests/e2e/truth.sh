#!/usr/bin/env bash
# What is so in a cluster, found with kubectl, psql and jq alone. It shares no code with extop.
# usage: truth.sh NAMESPACE CLUSTER -> one JSON object on stdout
set -euo pipefail
ns=$1 cluster=$2
k() { kubectl -n "$ns" "$@"; }
sql() { k exec "$1" -c postgres -- psql -X -qAt -U postgres -d "$2" -c "$3"; } # sql POD DATABASE STATEMENT

object=$(k get clusters.postgresql.cnpg.io "$cluster" -o json)
pods=$(k get pods -l "cnpg.io/cluster=$cluster,cnpg.io/podRole=instance" -o json)
requests=$(k get databases.postgresql.cnpg.io -o json | jq --arg c "$cluster" '[.items[] | select(.spec.cluster.name == $c)]')
ready=$(jq -c '[.items[] | select(.metadata.deletionTimestamp == null) | select(any(.status.conditions[]?; .type == "Ready" and .status == "True")) | .metadata.name]' <<<"$pods")
primary=$(jq -r .status.currentPrimary <<<"$object")
databases=$(sql "$primary" postgres "select datname from pg_database where datallowconn and not datistemplate order by 1")

# Per instance and database: both paths; per instance: names on offer, and files of each entry that can be read.
per_instance='[]'
for pod in $(jq -r '.[]' <<<"$ready"); do
  offered=$(sql "$pod" postgres "select coalesce(json_agg(name order by name), '[]') from pg_available_extensions")
  paths='[]'
  for database in $databases; do
    paths=$(jq -c --arg d "$database" --arg e "$(sql "$pod" "$database" 'show extension_control_path')" --arg l "$(sql "$pod" "$database" 'show dynamic_library_path')" \
      '. + [{database: $d, extension_control_path: ($e | split(":")), dynamic_library_path: ($l | split(":"))}]' <<<"$paths")
  done
  controls=$(k exec "$pod" -c postgres -- sh -c 'for f in /extensions/*/share/extension/*.control /extensions/*/*/share/extension/*.control; do [ -f "$f" ] && echo "$f"; done; true' \
    | jq -Rn '[inputs | capture("^/extensions/(?<entry>[^/]+)/.*/(?<name>[^/]+)\\.control$")]')
  per_instance=$(jq -c --arg p "$pod" --argjson o "$offered" --argjson paths "$paths" --argjson c "$controls" '. + [{pod: $p, offered: $o, paths: $paths, controls: $c}]' <<<"$per_instance")
done
installed='[]'
for database in $databases; do
  rows=$(sql "$primary" "$database" "select coalesce(json_agg(json_build_object('extension', extname, 'version', extversion)), '[]') from pg_extension")
  installed=$(jq -c --arg d "$database" --argjson r "$rows" '. + [$r[] | . + {database: $d}]' <<<"$installed")
done

jq -n --argjson c "$object" --argjson pods "$pods" --argjson requests "$requests" --argjson ready "$ready" --argjson inst "$per_instance" --argjson installed "$installed" '
  ($c.status.pgDataImageInfo.extensions // []) as $resolved
  | {
      name: $c.metadata.name, primary: $c.status.currentPrimary, ready: ($ready | length), instanceCount: $c.spec.instances, phase: $c.status.phase,
      entries: [ $c.spec.postgresql.extensions[]? as $e
        | ($resolved[] | select(.name == $e.name)) as $r
        | ([$inst[].controls[] | select(.entry == $e.name) | .name] | unique) as $names
        | [$requests[] | .spec.name as $d | .metadata.name as $o | (.status.extensions // []) as $answers | .spec.extensions[]? | select(.name as $n | $names | index($n)) | select((.ensure // "present") == "present")
            | {database: $d, object: $o, extension: .name, requested: (.version // null),
               refused: (.name as $n | any($answers[]; .name == $n and .applied == false))}] as $asked
        | {
            name: $e.name, reference: $r.image.reference,
            mounted: { want: $c.spec.instances, have: ([$pods.items[] | select(.metadata.name as $n | $ready | index($n))
              | select(([.spec.containers[] | select(.name == "postgres") | .volumeMounts[] | select(.mountPath == "/extensions/" + $e.name) | .name][0]) as $v
                       | any(.spec.volumes[]; .name == $v and .image.reference == $r.image.reference))] | length) },
            onPath: { want: $c.spec.instances, have: ([$inst[] | select(all(.paths[];
                (.extension_control_path | any(. == "/extensions/" + $e.name + "/share"))
                and (.dynamic_library_path | any(. == "/extensions/" + $e.name + "/lib"))))] | length) },
            available: { want: $c.spec.instances, have: ([$inst[] | select(.offered as $o | all($names[]; . as $n | $o | index($n)))] | length) },
            databases: [ $asked[] | del(.refused) | . as $a | . + {installed: ([$installed[] | select(.database == $a.database and .extension == $a.extension) | .version][0])} ],
            requested: (($asked | length) > 0 and (any($asked[]; .refused) | not)),
            installed: { want: ($asked | length), have: ([$asked[] | . as $a | select(any($installed[]; .database == $a.database and .extension == $a.extension))] | length) },
            atVersion: (($asked | length) > 0 and all($asked[]; . as $a | any($installed[]; .database == $a.database and .extension == $a.extension and ($a.requested == null or .version == $a.requested))))
          } ],
      instances: [ $pods.items[] | select(.metadata.deletionTimestamp == null) | {name: .metadata.name, uid: .metadata.uid, ready: (.metadata.name as $n | $ready | index($n) != null),
        mounts: ([.spec.volumes as $v | .spec.containers[] | select(.name == "postgres") | .volumeMounts[] | select(.mountPath | startswith("/extensions/"))
          | .name as $n | {entry: (.mountPath | ltrimstr("/extensions/")), reference: ([$v[] | select(.name == $n) | .image.reference][0])}] | sort_by(.entry)) } ]
    }'
