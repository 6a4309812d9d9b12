{{- define "workload.notes" -}}
{{- include "workload.read" . -}}
{{ .name }} {{ include "workload.tag" . }} is on its way: kubectl -n {{ .root.Release.Namespace }} rollout status deployment/{{ .name }}
{{- end }}
