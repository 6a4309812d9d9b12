{{- define "payment.environment" -}}
{{- $payments := .values.payments -}}
{{ include "workload.variable" (list "PAYMENT_PROVIDER" $payments.provider) }}
{{- with include "workload.publicUrl" . }}
{{ include "workload.variable" (list "PUBLIC_URL" .) }}
{{- end }}
{{- if eq $payments.provider "stripe" }}
{{ include "workload.secretVariable" (list "STRIPE_SECRET_KEY" $payments.secretName "secret-key" false) }}
{{ include "workload.secretVariable" (list "STRIPE_WEBHOOK_SECRET" $payments.secretName "webhook-secret" false) }}
{{- end }}
{{- end }}

{{- define "payment.egress" -}}
{{- if eq .values.payments.provider "stripe" -}}
- ports: [{port: 443}]  # Stripe has no fixed addresses
{{- end -}}
{{- end }}
