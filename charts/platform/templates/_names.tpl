{{/* list CONTEXT NAME: of what belongs to no service. */}}
{{- define "platform.metadata" -}}
{{- $root := index . 0 -}}
name: {{ index . 1 }}
namespace: {{ $root.Release.Namespace }}
labels:
  app.kubernetes.io/name: {{ index . 1 }}
  app.kubernetes.io/instance: {{ $root.Release.Name }}
  app.kubernetes.io/part-of: ticketing
  app.kubernetes.io/managed-by: {{ $root.Release.Service }}
  helm.sh/chart: {{ $root.Chart.Name }}-{{ $root.Chart.Version }}
{{- end }}
