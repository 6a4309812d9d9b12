{{/* What every pod of a service has, its processes aside. */}}
{{- define "workload.podBasics" -}}
serviceAccountName: {{ .name }}
automountServiceAccountToken: false
enableServiceLinks: false  # they would set REDIS_PORT and the like
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- with .values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- range $key := list "nodeSelector" "tolerations" "affinity" "priorityClassName" }}
{{- with get $.values $key }}
{{ dict $key . | toYaml }}
{{- end }}
{{- end }}
volumes:
  - {name: tmp, emptyDir: {sizeLimit: 64Mi}}
{{- range $store, $secret := include "workload.authorities" . | fromYaml }}
  - {name: {{ $store }}-ca, secret: {secretName: {{ $secret }}, items: [{key: ca.crt, path: ca.crt}]}}
{{- end }}
{{- end }}

{{/* What every container has, its command aside. */}}
{{- define "workload.containerBasics" -}}
image: {{ include "workload.image" . | quote }}
imagePullPolicy: {{ .values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: {{ .values.readOnlyRoot }}
  capabilities: {drop: [ALL]}
resources:
  {{- toYaml .values.resources | nindent 2 }}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
{{- range $store, $secret := include "workload.authorities" . | fromYaml }}
  - {name: {{ $store }}-ca, mountPath: /var/run/ticketing/{{ $store }}-ca, readOnly: true}
{{- end }}
{{- end }}

{{/* Store → Secret with the authority that it is checked by, where there is one. */}}
{{- define "workload.authorities" -}}
{{- range $store := list "postgres" "redis" }}
{{- with (index $.values.stores $store).caSecretName }}
{{- if has $store $.row.data }}
{{ $store }}: {{ . }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Spread over zones and hosts. */}}
{{- define "workload.spread" -}}
{{- $when := ternary "DoNotSchedule" "ScheduleAnyway" (eq .values.topologySpread "hard") -}}
{{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
- maxSkew: 1
  topologyKey: {{ . }}
  whenUnsatisfiable: {{ $when }}
  labelSelector:
    matchLabels:
      {{- include "workload.selector" (dict "service" $) | nindent 6 }}
  matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end }}

{{/* Over gRPC where there is any; else the pages of the table. */}}
{{- define "workload.probes" -}}
startupProbe:
  {{- include "workload.probe" (list . "live") | nindent 2 }}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: {{ div (int .values.startupSeconds) 2 | max 1 }}
readinessProbe:
  {{- include "workload.probe" (list . "ready") | nindent 2 }}
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 2
livenessProbe:
  {{- include "workload.probe" (list . "live") | nindent 2 }}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end }}

{{/* list SERVICE live|ready */}}
{{- define "workload.probe" -}}
{{- $service := index . 0 -}}
{{- $live := eq (index . 1) "live" -}}
{{- $page := $service.row.health -}}
{{- if $service.row.ports.grpc -}}
grpc: {port: {{ $service.row.ports.grpc }}, service: {{ ternary "liveness" "" $live | quote }}}
{{- else -}}
httpGet: {port: {{ $page.port }}, path: {{ $page.path }}{{ if $live }}/live{{ end }}}
{{- end -}}
{{- end }}
