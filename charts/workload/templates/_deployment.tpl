{{- define "workload.serviceaccount" }}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "workload.metadata" (dict "service" .) | nindent 2 }}
automountServiceAccountToken: false
{{- end }}

{{- define "workload.deployment" }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "workload.metadata" (dict "service" .) | nindent 2 }}
spec:
  {{- if eq .values.autoscaling.mode "none" }}
  replicas: {{ .values.replicas }}
  {{- end }}
  revisionHistoryLimit: 3
  progressDeadlineSeconds: {{ add (int .values.startupSeconds) 600 }}
  strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}
  selector:
    matchLabels:
      {{- include "workload.selector" (dict "service" .) | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "workload.podLabels" (dict "service" .) | nindent 8 }}
        {{- with .values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with .values.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      {{- include "workload.podBasics" . | nindent 6 }}
        {{- with include "workload.identityVolume" . }}
        {{- . | nindent 8 }}
        {{- end }}
      # Not ready, no more listening, calls under way, and five seconds for what hangs.
      terminationGracePeriodSeconds: {{ add (int .values.drainSeconds) (int .values.graceSeconds) 12 }}
      {{- if ne .values.topologySpread "none" }}
      topologySpreadConstraints:
        {{- include "workload.spread" . | trim | nindent 8 }}
      {{- end }}
      {{- if .values.migrations.head }}
      initContainers:
        - name: schema
          {{- include "workload.containerBasics" . | nindent 10 }}
          command: [/app/start, -m, services.kit.database.migrate, --wait, {{ .name }}]
          env:
            {{- include "workload.postgresEnvironment" . | trim | nindent 12 }}
      {{- end }}
      containers:
        - name: {{ .name }}
          {{- include "workload.containerBasics" . | nindent 10 }}
            {{- with include "workload.identityMount" . }}
            {{- . | nindent 12 }}
            {{- end }}
          env:
            {{- include "workload.environment" . | trim | nindent 12 }}
          ports:
            {{- range $name, $port := .row.ports }}
            - {name: {{ $name }}, containerPort: {{ $port }}}
            {{- end }}
          {{- include "workload.probes" . | nindent 10 }}
{{- end }}
