{{/* Its server asks the gateway inside the cluster; the buyer's browser reaches realtime at the public address. */}}
{{- define "frontend.environment" -}}
{{- $public := include "workload.publicUrl" . -}}
{{- $socket := $public | default (printf "http://localhost:%v" .table.services.realtime.ports.http) -}}
{{ include "workload.variable" (list "PORT" .row.ports.http) }}
{{ include "workload.variable" (list "GATEWAY_URL" (printf "http://gateway:%v" .table.services.gateway.ports.http)) }}
{{ include "workload.variable" (list "SOCKET_URL" (printf "ws%s/ws" (trimPrefix "http" $socket))) }}
{{ include "workload.variable" (list "COOKIE_SECURE" (hasPrefix "https://" $public)) }}
{{- with .values.payments.publishableKey }}
{{ include "workload.variable" (list "STRIPE_PUBLISHABLE_KEY" .) }}
{{- end }}
{{- end }}

{{- define "frontend.egress" -}}
- ports: [{port: {{ .table.services.gateway.ports.http }}}]
  to:
    - podSelector:
        matchLabels:
          app.kubernetes.io/name: gateway
{{- end }}
