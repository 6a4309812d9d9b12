{{/* One Job per image, head and settings: its name is made of its pod, for a Job's pod can not be changed. */}}
{{- define "workload.migration" }}
{{- if .values.migrations.head }}
{{- $pod := include "workload.migrationPod" . }}
---
apiVersion: batch/v1
kind: Job
metadata:
  {{- include "workload.metadata" (dict "service" . "component" "migration" "name" (printf "%s-migrate-%s-%s" .name .values.migrations.head ($pod | sha256sum | trunc 8))) | nindent 2 }}
spec:
  backoffLimit: 2
  activeDeadlineSeconds: 1800
  template:
    metadata:
      labels:
        {{- include "workload.podLabels" (dict "service" . "component" "migration") | nindent 8 }}
    spec:
      {{- $pod | nindent 6 }}
{{- end }}
{{- end }}

{{/* Role and schema, then the tables, then the topics that this service writes. */}}
{{- define "workload.migrationPod" -}}
{{- $steps := list "migrate" -}}
{{- $topics := list -}}
{{- range $topic, $row := .table.topics }}{{ if eq $row.producer $.name }}{{ $topics = append $topics $topic }}{{ end }}{{ end -}}
{{- if .values.stores.postgres.adminSecretName }}{{ $steps = prepend $steps "schema" }}{{ end -}}
{{- if and $topics .values.stores.kafka.topics.create }}{{ $steps = append $steps "topics" }}{{ end -}}
{{ include "workload.podBasics" . }}
restartPolicy: Never
{{- with initial $steps }}
initContainers:
  {{- range . }}
  {{- include "workload.migrationStep" (list $ .) | nindent 2 }}
  {{- end }}
{{- end }}
containers:
  {{- include "workload.migrationStep" (list . (last $steps)) | nindent 2 }}
{{- end }}

{{/* list SERVICE schema|migrate|topics */}}
{{- define "workload.migrationStep" -}}
{{- $service := index . 0 -}}
{{- $step := index . 1 -}}
{{- $module := get (dict "schema" "database.schemas" "migrate" "database.migrate" "topics" "bus.topics") $step -}}
{{- $topics := $service.values.stores.kafka.topics -}}
- name: {{ $step }}
  {{- include "workload.containerBasics" $service | nindent 2 }}
  command: [/app/start, -m, services.kit.{{ $module }}, {{ $service.name }}]
  env:
    {{- if eq $step "topics" }}
    {{- include "workload.kafkaEnvironment" $service | trim | nindent 4 }}
    {{ include "workload.variable" (list "TOPIC_PARTITIONS" $topics.partitions) }}
    {{ include "workload.variable" (list "TOPIC_REPLICATION" $topics.replicationFactor) }}
    {{- else }}
    {{- include "workload.postgresEnvironment" $service | trim | nindent 4 }}
    {{- end }}
    {{- if eq $step "schema" }}
    {{- range $name := list "username" "password" }}
    {{- $variable := printf "POSTGRES_ADMIN_%s" (ternary "USER" "PASSWORD" (eq $name "username")) }}
    {{- include "workload.secretVariable" (list $variable $service.values.stores.postgres.adminSecretName $name false) | nindent 4 }}
    {{- end }}
    {{- end }}
{{- end }}
