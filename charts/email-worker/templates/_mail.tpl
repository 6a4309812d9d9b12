{{- define "mail.environment" -}}
{{- $mail := .values.mail -}}
{{- with $mail.host }}
{{ include "workload.variable" (list "MAIL_HOST" .) }}
{{- end }}
{{ include "workload.variable" (list "MAIL_PORT" $mail.port) }}
{{ include "workload.variable" (list "MAIL_TLS" $mail.tls) }}
{{ include "workload.variable" (list "MAIL_FROM" $mail.from) }}
{{- with $mail.siteUrl | default (include "workload.publicUrl" .) }}
{{ include "workload.variable" (list "MAIL_SITE_URL" .) }}
{{- end }}
{{- with $mail.secretName }}
{{ include "workload.secretVariable" (list "MAIL_USERNAME" . "username" false) }}
{{ include "workload.secretVariable" (list "MAIL_PASSWORD" . "password" false) }}
{{- end }}
{{- end }}

{{- define "mail.egress" -}}
- ports: [{port: {{ .values.mail.port }}}]
{{- end }}
