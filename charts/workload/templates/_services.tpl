{{/* Callers balance over pods themselves, so what serves gRPC is headless. */}}
{{- define "workload.services" }}
{{- $ports := dict "service" . "names" (keys .row.ports | sortAlpha) }}
---
apiVersion: v1
kind: Service
metadata:
  {{- include "workload.metadata" (dict "service" .) | nindent 2 }}
  {{- with .values.service.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- if .row.ports.grpc }}
  clusterIP: None
  # Clients ask each pod for its health. Were there no address while none is ready, they would look the name up again at
  # growing intervals, up to two minutes, long after the pods are back.
  publishNotReadyAddresses: true
  {{- end }}
  {{- include "workload.servicePorts" $ports | nindent 2 }}
{{- if and .row.ports.grpc .values.routes }}
---
# Behind the public's routes: not all who implement Ingress or Gateway take a headless Service.
apiVersion: v1
kind: Service
metadata:
  {{- include "workload.metadata" (dict "service" . "name" (include "workload.routed" .)) | nindent 2 }}
spec:
  {{- include "workload.servicePorts" (dict "service" . "names" (list "http")) | nindent 2 }}
{{- end }}
{{- $public := without $ports.names "metrics" "mesh" }}
{{- if and .values.service.nodePorts $public }}
---
apiVersion: v1
kind: Service
metadata:
  {{- include "workload.metadata" (dict "service" . "name" (printf "%s-node" .name)) | nindent 2 }}
spec:
  type: NodePort
  {{- include "workload.servicePorts" (dict "service" . "names" $public "node" true) | nindent 2 }}
{{- end }}
{{- end }}

{{/* dict: service, names of ports, node: whether they are on the nodes too. */}}
{{- define "workload.servicePorts" -}}
ports:
  {{- range .names }}
  {{- $port := index $.service.row.ports . }}
  - name: {{ . }}
    port: {{ $port }}
    targetPort: {{ . }}
    appProtocol: {{ get (dict "grpc" "grpc" "mesh" "https") . | default "http" }}
    {{- if $.node }}
    nodePort: {{ add 30000 (mod (int $port) 1000) }}
    {{- end }}
  {{- end }}
selector:
  {{- include "workload.selector" (dict "service" .service) | nindent 2 }}
{{- end }}

{{/* The Service that the public's routes lead to. */}}
{{- define "workload.routed" -}}
{{ .name }}{{ if .row.ports.grpc }}-http{{ end }}
{{- end }}
