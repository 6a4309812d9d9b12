{{/* What the public reaches: one host, and each service adds its own paths to it. */}}
{{- define "workload.routes" }}
{{- if .values.routes }}
{{- if .values.public.ingress.enabled }}{{ include "workload.ingress" . }}{{ end }}
{{- if .values.public.httpRoute.enabled }}{{ include "workload.httproute" . }}{{ end }}
{{- end }}
{{- end }}

{{- define "workload.ingress" }}
{{- $ingress := .values.public.ingress }}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  {{- include "workload.metadata" (dict "service" .) | nindent 2 }}
  {{- with $ingress.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with $ingress.className }}
  ingressClassName: {{ . }}
  {{- end }}
  {{- with $ingress.tlsSecretName }}
  tls:
    - {hosts: [{{ $.values.public.host | quote }}], secretName: {{ . }}}
  {{- end }}
  rules:
    - host: {{ .values.public.host | quote }}
      http:
        paths:
          {{- range .values.routes }}
          - path: {{ . }}
            pathType: Prefix
            backend: {service: {name: {{ include "workload.routed" $ }}, port: {name: http}}}
          {{- end }}
{{- end }}

{{- define "workload.httproute" }}
{{- $route := .values.public.httpRoute }}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  {{- include "workload.metadata" (dict "service" .) | nindent 2 }}
  {{- with $route.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  parentRefs:
    {{- toYaml $route.parentRefs | nindent 4 }}
  {{- with .values.public.host }}
  hostnames: [{{ . | quote }}]
  {{- end }}
  rules:
    - matches:
        {{- range .values.routes }}
        - path: {type: PathPrefix, value: {{ . }}}
        {{- end }}
      backendRefs:
        - {name: {{ include "workload.routed" . }}, port: {{ .row.ports.http }}}
{{- end }}
