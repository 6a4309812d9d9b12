{{/* Who a service is among the others: a certificate in a Secret, mounted; nothing in the clear mode, and for who speaks to nobody. */}}
{{- define "workload.hasIdentity" -}}
{{- $calls := (index .table.services .name).calls -}}
{{- $served := (index .table.services .name).ports.mesh -}}
{{- if and (ne .values.mesh.mtls "off") (or $calls $served) }}true{{ end -}}
{{- end }}

{{- define "workload.identitySecret" -}}
{{- $mesh := .values.mesh -}}
{{ $mesh.secretName | default (printf "%s-%s" .name (ternary "certificate" "identity" (ne $mesh.issuerRef.name ""))) }}
{{- end }}

{{- define "workload.identityVolume" -}}
{{- if include "workload.hasIdentity" . -}}
- {name: identity, secret: {secretName: {{ include "workload.identitySecret" . }}, defaultMode: 0440}}
{{- end }}
{{- end }}

{{/* The whole folder, never a file of it: one that is mounted alone is not renewed. */}}
{{- define "workload.identityMount" -}}
{{- if include "workload.hasIdentity" . -}}
- {name: identity, mountPath: /var/run/ticketing/identity, readOnly: true}
{{- end }}
{{- end }}

{{- define "workload.identityEnvironment" -}}
{{- if include "workload.hasIdentity" . }}
{{ include "workload.variable" (list "MESH_MTLS" .values.mesh.mtls) }}
{{ include "workload.variable" (list "MESH_NAMESPACE" .root.Release.Namespace) }}
{{ include "workload.variable" (list "MESH_TRUST_DOMAIN" .values.mesh.trustDomain) }}
{{- end }}
{{- end }}

{{/* With an issuer of cert-manager: it makes the Secret, and renews it when a third of its life is left. */}}
{{- define "workload.certificate" }}
{{- $mesh := .values.mesh }}
{{- if and (include "workload.hasIdentity" .) $mesh.issuerRef.name }}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  {{- include "workload.metadata" (dict "service" .) | nindent 2 }}
spec:
  secretName: {{ include "workload.identitySecret" . }}
  issuerRef: {group: cert-manager.io, kind: {{ $mesh.issuerRef.kind }}, name: {{ $mesh.issuerRef.name }}}
  duration: {{ mul (int $mesh.certificateDays) 24 }}h0m0s
  renewBefore: {{ mul (int $mesh.certificateDays) 8 }}h0m0s
  privateKey: {algorithm: ECDSA, size: 256, encoding: PKCS8, rotationPolicy: Always}
  uris: ["spiffe://{{ $mesh.trustDomain }}/ns/{{ .root.Release.Namespace }}/sa/{{ .name }}"]
  dnsNames: [{{ .name }}]
  usages: [digital signature, server auth, client auth]
{{- end }}
{{- end }}
