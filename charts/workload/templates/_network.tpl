{{/*
Nothing comes in or goes out but what the table's calls and data say, the public's routes, metrics and DNS. Peers reach
one another in the clear and encrypted whatever the mode is: policies change at once and pods one by one, and who may
call in the clear at all is the servers' to say.
*/}}
{{- define "workload.networkpolicy" }}
{{- if .values.networkPolicies.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "workload.metadata" (dict "service" .) | nindent 2 }}
spec:
  podSelector:
    matchLabels:  # its migration Job too
      app.kubernetes.io/name: {{ .name }}
      app.kubernetes.io/instance: {{ .root.Release.Name }}
  policyTypes: [Ingress, Egress]
  ingress:
    {{- include "workload.ingressRules" . | trim | nindent 4 }}
  egress:
    {{- include "workload.egressRules" . | trim | nindent 4 }}
{{- end }}
{{- end }}

{{- define "workload.ingressRules" -}}
{{- $service := . -}}
{{- $policies := .values.networkPolicies -}}
{{- $callers := list -}}
{{- range $name, $row := .table.services }}{{ if has $service.name $row.calls }}{{ $callers = append $callers $name }}{{ end }}{{ end -}}
{{- with $callers | sortAlpha }}
- from:
    - podSelector:
        matchExpressions:
          - {key: app.kubernetes.io/name, operator: In, values: {{ toJson . }}}
  ports: [{port: grpc}, {port: mesh}]
{{- end }}
{{- if .values.routes }}
- ports: [{port: http}]
  {{- with $policies.publicFrom }}
  from:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- with .ingress }}
{{ include . $service }}
{{- end }}
{{- if .values.service.nodePorts }}
{{- range without (keys .row.ports | sortAlpha) "metrics" "mesh" }}
- ports: [{port: {{ . }}}]
{{- end }}
{{- end }}
{{- with .row.metrics }}
- ports: [{port: {{ .port }}}]
  from:
    {{- toYaml ($policies.metricsFrom | default (list (dict "namespaceSelector" dict))) | nindent 4 }}
{{- end }}
{{- end }}

{{- define "workload.egressRules" -}}
{{- $service := . -}}
- ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]
{{- range .row.calls }}
{{- $ports := (index $service.table.services .).ports }}
- ports: [{port: {{ $ports.grpc }}}, {port: {{ $ports.mesh }}}]
  to:
    - podSelector:
        matchLabels:
          app.kubernetes.io/name: {{ . }}
{{- end }}
{{- range $store := .row.data }}
- ports: [{{ include "workload.storePorts" (list $service $store) }}]
  {{- with get $service.values.networkPolicies (printf "%sTo" $store) }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- if and .values.monitoring.traces.endpoint .row.metrics }}
- ports: [{port: {{ splitList ":" .values.monitoring.traces.endpoint | last }}}]
{{- end }}
{{- if .egress }}
{{ include .egress . }}
{{- end }}
{{- with .values.networkPolicies.extraEgress }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* list SERVICE STORE */}}
{{- define "workload.storePorts" -}}
{{- $service := index . 0 -}}
{{- if eq (index . 1) "kafka" -}}
{{- $ports := list }}
{{- range include "workload.brokers" $service | splitList "," }}{{ $ports = append $ports (splitList ":" . | last) }}{{ end }}
{{- range $i, $port := uniq $ports }}{{ if $i }}, {{ end }}{port: {{ $port }}}{{ end -}}
{{- else -}}
{port: {{ include "workload.storePort" . }}}
{{- end -}}
{{- end }}
