{{/* A process's environment: stores, peers, what its chart adds, then what values say. */}}
{{- define "workload.environment" -}}
{{- $service := . -}}
{{- range .row.data }}
{{- include (printf "workload.%sEnvironment" .) $service }}
{{- end }}
{{- range .row.calls }}
{{- $url := printf "%s:%v" . (index $service.table.services .).ports.grpc }}
{{ include "workload.variable" (list (printf "%s_SERVICE_URL" (. | upper | replace "-" "_")) $url) }}
{{- end }}
{{- include "workload.identityEnvironment" . }}
{{ include "workload.variable" (list "DRAIN_S" .values.drainSeconds) }}
{{ include "workload.variable" (list "GRACE_S" .values.graceSeconds) }}
{{ include "workload.variable" (list "LOG_LEVEL" .values.logLevel) }}
{{- $traces := .values.monitoring.traces }}
{{- if and $traces.endpoint .row.metrics }}
{{ include "workload.variable" (list "OTEL_EXPORTER_OTLP_ENDPOINT" $traces.endpoint) }}
{{ include "workload.variable" (list "TRACE_RATIO" (divf $traces.percent 100)) }}
{{- end }}
{{- if .environment }}
{{ include .environment . }}
{{- end }}
{{- range $name, $value := .values.env }}
{{ include "workload.variable" (list $name $value) }}
{{- end }}
{{- range $name, $from := .values.secretEnv }}
{{ include "workload.secretVariable" (list $name $from.secretName $from.key ($from.optional | default false)) }}
{{- end }}
{{- end }}

{{- define "workload.postgresEnvironment" -}}
{{- $postgres := .values.stores.postgres -}}
{{- $secret := $postgres.secretName | default (printf "%s-postgres" .name) }}
{{ include "workload.variable" (list "POSTGRES_HOST" $postgres.host) }}
{{ include "workload.variable" (list "POSTGRES_PORT" (include "workload.storePort" (list . "postgres"))) }}
{{ include "workload.variable" (list "POSTGRES_DB" $postgres.database) }}
{{ include "workload.variable" (list "POSTGRES_SSLMODE" $postgres.sslmode) }}
{{- if $postgres.caSecretName }}
{{ include "workload.variable" (list "POSTGRES_CA" "/var/run/ticketing/postgres-ca/ca.crt") }}
{{- end }}
{{ include "workload.variable" (list "POSTGRES_POOL" $postgres.pool) }}
{{ include "workload.secretVariable" (list "POSTGRES_USER" $secret "username" false) }}
{{ include "workload.secretVariable" (list "POSTGRES_PASSWORD" $secret "password" false) }}
{{- end }}

{{- define "workload.redisEnvironment" -}}
{{- $redis := .values.stores.redis }}
{{ include "workload.variable" (list "REDIS_HOST" $redis.host) }}
{{ include "workload.variable" (list "REDIS_PORT" (include "workload.storePort" (list . "redis"))) }}
{{ include "workload.variable" (list "REDIS_DB" $redis.database) }}
{{- if $redis.tls }}
{{ include "workload.variable" (list "REDIS_TLS" true) }}
{{- end }}
{{- if $redis.caSecretName }}
{{ include "workload.variable" (list "REDIS_CA" "/var/run/ticketing/redis-ca/ca.crt") }}
{{- end }}
{{- if $redis.secretName }}
{{ include "workload.secretVariable" (list "REDIS_PASSWORD" $redis.secretName "password" false) }}
{{- end }}
{{- end }}

{{- define "workload.kafkaEnvironment" }}
{{ include "workload.variable" (list "KAFKA_BROKERS" (include "workload.brokers" .)) }}
{{- end }}

{{/* list NAME VALUE. Numbers come as floats: a million is not to be written 1e+06. */}}
{{- define "workload.variable" -}}
{{- $value := index . 1 -}}
{{- if and (kindIs "float64" $value) (eq (floor $value) $value) }}{{ $value = int64 $value }}{{ end -}}
- {name: {{ index . 0 }}, value: {{ toString $value | quote }}}
{{- end }}

{{/* list NAME SECRET KEY OPTIONAL */}}
{{- define "workload.secretVariable" -}}
- name: {{ index . 0 }}
  valueFrom: {secretKeyRef: {name: {{ index . 1 | quote }}, key: {{ index . 2 | quote }}{{ if index . 3 }}, optional: true{{ end }}}}
{{- end }}
