{{- define "workload.servicemonitor" }}
{{- if and .values.monitoring.serviceMonitors .row.metrics }}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  {{- include "workload.metadata" (dict "service" .) | nindent 2 }}
  {{- with .values.monitoring.labels }}
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  jobLabel: app.kubernetes.io/name
  selector:
    matchLabels:
      {{- include "workload.selector" (dict "service" .) | nindent 6 }}
  endpoints:
    - port: {{ .row.metrics.port }}
      path: {{ .row.metrics.path }}
      interval: {{ .values.monitoring.interval }}
      {{- range $key := list "relabelings" "metricRelabelings" }}
      {{- with get $.values.monitoring $key }}
      {{ $key }}:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- end }}
{{- end }}
{{- end }}
