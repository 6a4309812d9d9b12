{{/* dict: service, and where they are not the service's: name, component. */}}
{{- define "workload.metadata" -}}
name: {{ .name | default .service.name }}
namespace: {{ .service.root.Release.Namespace }}
labels:
  {{- include "workload.podLabels" . | nindent 2 }}
  app.kubernetes.io/managed-by: {{ .service.root.Release.Service }}
  helm.sh/chart: {{ .service.root.Chart.Name }}-{{ .service.root.Chart.Version }}
{{- end }}

{{/* Without the chart's version: a new chart alone restarts nothing. */}}
{{- define "workload.podLabels" -}}
{{ include "workload.selector" . }}
app.kubernetes.io/part-of: ticketing
app.kubernetes.io/version: {{ include "workload.tag" .service | trunc 63 | trimAll "-_." | quote }}
{{- end }}

{{- define "workload.selector" -}}
app.kubernetes.io/name: {{ .service.name }}
app.kubernetes.io/instance: {{ .service.root.Release.Name }}
app.kubernetes.io/component: {{ .component | default "service" }}
{{- end }}

{{- define "workload.tag" -}}
{{ .values.image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{- define "workload.image" -}}
{{- $image := .values.image -}}
{{- $repository := $image.repository | default (printf "ticketing/%s" .name) -}}
{{ if $image.registry }}{{ $image.registry }}/{{ end }}{{ $repository }}:{{ include "workload.tag" . }}
{{- end }}

{{/* list SERVICE STORE */}}
{{- define "workload.storePort" -}}
{{- $service := index . 0 -}}
{{- $store := index . 1 -}}
{{ (index $service.values.stores $store).port | default (index $service.table.stores $store).port }}
{{- end }}

{{- define "workload.brokers" -}}
{{ .values.stores.kafka.brokers | default (printf "kafka:%v" .table.stores.kafka.port) }}
{{- end }}

{{/* Where the public reaches us, without a slash at the end; empty when nobody said. */}}
{{- define "workload.publicUrl" -}}
{{- $public := .values.public -}}
{{- if $public.url -}}
{{ trimSuffix "/" $public.url }}
{{- else if $public.host -}}
{{ ternary "http" "https" (and $public.ingress.enabled (not $public.ingress.tlsSecretName)) }}://{{ $public.host }}
{{- end -}}
{{- end }}
