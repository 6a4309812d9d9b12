{{/*
A store: one pod with its disk. dict: root, name, user (of its image), mount (of its disk), folders (elsewhere, that it
writes to). Its container's own part is the template `<name>.container`. Ports are the table's.
*/}}
{{- define "store.all" }}
{{- $_ := set . "values" (index .root.Values .name) }}
{{- $_ := set . "port" (index .root.Values.workload.stores .name).port }}
{{- if .values.enabled }}
---
apiVersion: v1
kind: Service
metadata:
  {{- include "store.metadata" . | nindent 2 }}
spec:
  ports:
    - {name: {{ .name }}, port: {{ .port }}, targetPort: {{ .name }}, appProtocol: tcp}
  selector:
    {{- include "store.selector" . | nindent 4 }}
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  {{- include "store.metadata" . | nindent 2 }}
spec:
  replicas: 1
  serviceName: {{ .name }}
  selector:
    matchLabels:
      {{- include "store.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "store.podLabels" . | nindent 8 }}
      {{- with .root.Values.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      {{- include "store.pod" . | nindent 6 }}
  {{- if .values.storage }}
  volumeClaimTemplates:
    - apiVersion: v1
      kind: PersistentVolumeClaim
      metadata:
        name: data
        labels:
          {{- include "store.selector" . | nindent 10 }}
      spec:
        accessModes: [ReadWriteOnce]
        {{- with .values.storageClass }}
        storageClassName: {{ . }}
        {{- end }}
        resources: {requests: {storage: {{ .values.storage }}}}
  {{- end }}
{{- if .root.Values.networkPolicies.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "store.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "store.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    - from: [{podSelector: {matchLabels: {app.kubernetes.io/part-of: ticketing}}}]
      ports: [{port: {{ .name }}}]
  egress: []
{{- end }}
{{- end }}
{{- end }}

{{- define "store.podBasics" -}}
automountServiceAccountToken: false
enableServiceLinks: false  # they would set KAFKA_PORT and the like, which an image takes for settings
terminationGracePeriodSeconds: 60
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .user }}
  runAsGroup: {{ .user }}
  fsGroup: {{ .user }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- range $key := list "nodeSelector" "tolerations" }}
{{- with get $.root.Values $key }}
{{ dict $key . | toYaml }}
{{- end }}
{{- end }}
{{- end }}

{{- define "store.containerBasics" -}}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- define "store.pod" -}}
{{ include "store.podBasics" . }}
containers:
  - name: {{ .name }}
    image: {{ .values.image | quote }}
    {{- include "store.containerBasics" . | nindent 4 }}
    resources:
      {{- toYaml .values.resources | nindent 6 }}
    ports:
      - {name: {{ .name }}, containerPort: {{ .port }}}
    {{- include (printf "%s.container" .name) . | trim | nindent 4 }}
    volumeMounts:
      - {name: data, mountPath: {{ .mount }}}
      {{- range $i, $folder := .folders }}
      - {name: folder-{{ $i }}, mountPath: {{ $folder }}}
      {{- end }}
volumes:
  {{- if not .values.storage }}
  - {name: data, emptyDir: {}}
  {{- end }}
  {{- range $i, $folder := .folders }}
  - {name: folder-{{ $i }}, emptyDir: {sizeLimit: 64Mi}}
  {{- end }}
{{- end }}

{{- define "store.metadata" -}}
name: {{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "store.podLabels" . | nindent 2 }}
  app.kubernetes.io/managed-by: {{ .root.Release.Service }}
  helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "store.podLabels" -}}
{{ include "store.selector" . }}
app.kubernetes.io/part-of: ticketing
{{- end }}

{{- define "store.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: store
{{- end }}
