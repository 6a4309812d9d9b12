{{/*
Everything a service is made of. A service's chart includes this once:

    {{ include "workload.all" (dict "root" . "environment" "payment.environment" "egress" "payment.egress") }}

All but `root` are optional: templates of that chart with what only it has, as YAML lists – environment, egress, ingress
(of its NetworkPolicy) and routes (where values do not say them). All templates get the service:
a dictionary of root (the chart's context), name, row (its row of the table), table, values (see workload.values).
*/}}
{{- define "workload.all" -}}
{{- $service := . -}}
{{- include "workload.read" $service -}}
{{- include "workload.check" $service -}}
{{- range list "serviceaccount" "migration" "deployment" "services" "autoscaler" "disruptionbudget" "networkpolicy" "certificate" "routes" "servicemonitor" }}
{{- include (printf "workload.%s" .) $service }}
{{- end }}
{{- end }}

{{- define "workload.read" -}}
{{- $root := .root -}}
{{- $_ := set . "name" $root.Chart.Name -}}
{{- $_ := set . "table" $root.Values.workload -}}
{{- $_ := set . "values" (omit (deepCopy $root.Values.workload.defaults) "global") -}}
{{- include "workload.merge" (dict "into" .values "from" ($root.Values.global | default dict)) -}}
{{- include "workload.merge" (dict "into" .values "from" (omit $root.Values "global" "workload")) -}}
{{- $row := index .table.services .name -}}
{{- if eq .values.mesh.mtls "off" }}
{{- /* Nothing listens on the encrypted twin of the gRPC port while services speak in the clear. */ -}}
{{- $row = merge (dict "ports" (omit $row.ports "mesh")) (omit $row "ports") -}}
{{- end }}
{{- $_ := set . "row" $row -}}
{{- if and .routes (not .values.routes) }}{{ $_ := set .values "routes" (include .routes . | fromYamlArray) }}{{ end -}}
{{- end }}

{{/* Maps are merged, anything else is replaced. (Sprig's own merge keeps the old value where the new one is empty.) */}}
{{- define "workload.merge" -}}
{{- $into := .into -}}
{{- range $key, $value := .from -}}
{{- if and (kindIs "map" $value) (kindIs "map" (get $into $key)) -}}
{{- include "workload.merge" (dict "into" (get $into $key) "from" $value) -}}
{{- else if not (kindIs "invalid" $value) -}}
{{- $_ := set $into $key (deepCopy $value) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* What a schema can not say. */}}
{{- define "workload.check" -}}
{{- $auto := .values.autoscaling -}}
{{- $public := .values.public -}}
{{- if and (has $auto.mode (list "hpa" "keda")) (ne .name "realtime") -}}
{{- fail (printf "autoscaling.mode: %s counts sockets, and %s has none; use cpu" $auto.mode .name) -}}
{{- end -}}
{{- if gt (int $auto.minReplicas) (int $auto.maxReplicas) -}}
{{- fail (printf "autoscaling.minReplicas: %d is more than maxReplicas, %d" (int $auto.minReplicas) (int $auto.maxReplicas)) -}}
{{- end -}}
{{- if and $public.ingress.enabled (not $public.host) -}}
{{- fail "public.host: is needed with public.ingress.enabled" -}}
{{- end -}}
{{- if and $public.httpRoute.enabled (not $public.httpRoute.parentRefs) -}}
{{- fail "public.httpRoute.parentRefs: of which Gateway? They are needed with public.httpRoute.enabled" -}}
{{- end -}}
{{- end }}
