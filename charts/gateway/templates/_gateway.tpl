{{/* All of the public's paths; beside the web app, which has `/`, only those that are its own. */}}
{{- define "gateway.routes" -}}
{{- if .values.webApp.enabled -}}
[/api, /docs, /openapi.json, /problems, /.well-known]
{{- else -}}
[/]
{{- end -}}
{{- end }}

{{/* The web app's server, whoever else may come. */}}
{{- define "gateway.ingress" -}}
{{- if .values.webApp.enabled -}}
- from:
    - podSelector:
        matchLabels:
          app.kubernetes.io/name: frontend
  ports: [{port: http}]
{{- end -}}
{{- end }}
