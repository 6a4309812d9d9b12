{{- define "workload.autoscaler" }}
{{- if has .values.autoscaling.mode (list "cpu" "hpa") }}
{{- include "workload.horizontal" . }}
{{- else if eq .values.autoscaling.mode "keda" }}
{{- include "workload.scaledobject" . }}
{{- end }}
{{- end }}

{{- define "workload.horizontal" }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- include "workload.metadata" (dict "service" .) | nindent 2 }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ .name }}}
  minReplicas: {{ .values.autoscaling.minReplicas }}
  maxReplicas: {{ .values.autoscaling.maxReplicas }}
  metrics:
    {{- if eq .values.autoscaling.mode "cpu" }}
    - type: Resource
      resource:
        name: cpu
        target: {type: Utilization, averageUtilization: {{ .values.autoscaling.targetCPUUtilization }}}
    {{- else }}
    - type: Pods
      pods:
        metric: {name: realtime_sockets}
        target: {type: AverageValue, averageValue: {{ .values.autoscaling.connectionsPerPod | quote }}}
    {{- end }}
  behavior:
    {{- include "workload.scalingBehavior" . | nindent 4 }}
{{- end }}

{{/* Up at once, down one by one: every pod that goes moves its sockets to others. */}}
{{- define "workload.scalingBehavior" -}}
scaleUp:
  stabilizationWindowSeconds: 0
  selectPolicy: Max
  policies:
    - {type: Percent, value: 100, periodSeconds: 15}
    - {type: Pods, value: 2, periodSeconds: 15}
scaleDown:
  stabilizationWindowSeconds: 300
  policies:
    - {type: Pods, value: 1, periodSeconds: 60}
{{- end }}

{{- define "workload.scaledobject" }}
{{- $auto := .values.autoscaling }}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  {{- include "workload.metadata" (dict "service" .) | nindent 2 }}
spec:
  scaleTargetRef: {name: {{ .name }}}
  minReplicaCount: {{ $auto.minReplicas }}
  maxReplicaCount: {{ $auto.maxReplicas }}
  pollingInterval: 15
  advanced:
    horizontalPodAutoscalerConfig:
      behavior:
        {{- include "workload.scalingBehavior" . | nindent 8 }}
  triggers:
    {{- if $auto.prometheus }}
    - type: prometheus
      metadata:
        serverAddress: {{ $auto.prometheus | quote }}
        query: {{ printf "sum(realtime_sockets{namespace=%q})" .root.Release.Namespace | quote }}
        threshold: {{ $auto.connectionsPerPod | quote }}
    {{- else }}
    - type: metrics-api
      metadata:
        url: {{ printf "http://%s.%s.svc:%v%s" .name .root.Release.Namespace (index .row.ports .row.metrics.port) .row.metrics.path | quote }}
        format: prometheus
        valueLocation: realtime_sockets
        targetValue: {{ $auto.connectionsPerPod | quote }}
        aggregateFromKubeServiceEndpoints: "true"
        aggregationType: sum
    {{- end }}
{{- end }}

{{- define "workload.disruptionbudget" }}
{{- $least := ternary .values.replicas .values.autoscaling.minReplicas (eq .values.autoscaling.mode "none") | int }}
{{- if and .values.disruptionBudget (ge $least 2) }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "workload.metadata" (dict "service" .) | nindent 2 }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "workload.selector" (dict "service" .) | nindent 6 }}
{{- end }}
{{- end }}
