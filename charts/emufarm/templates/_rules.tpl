{{/* Name of objects that no namespace has: two farms in a cluster do not meet. */}}
{{- define "emufarm.clusterName" -}}
{{- printf "%s-%s-%s" .root.Release.Namespace (include "emufarm.fullname" .root) .component | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "emufarm.clusterMetadata" -}}
name: {{ include "emufarm.clusterName" . }}
labels:
  {{- include "emufarm.labels" . | nindent 2 }}
{{- end -}}

{{/* What the operator does in namespaces with boards. Secrets are made for pods and go with them; none is listed. */}}
{{- define "emufarm.operatorRules" -}}
- apiGroups: [emufarm.dev]
  resources: [boards, emulatorinstances, emulatorpools]
  verbs: [get, list, watch]
- apiGroups: [emufarm.dev]
  resources: [emulatorinstances, emulatorpools]
  verbs: [update, patch, delete]
- apiGroups: [emufarm.dev]
  resources: [boards/status, emulatorinstances/status, emulatorpools/status]
  verbs: [get, update, patch]
- apiGroups: [emufarm.dev]
  resources: [emulatorinstances/finalizers, emulatorpools/finalizers]
  verbs: [update]
- apiGroups: [""]
  resources: [pods, services]
  verbs: [get, list, watch, create, update, patch, delete]
- apiGroups: [""]
  resources: [pods/finalizers]
  verbs: [update]
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list, watch, create, delete]
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, create, delete]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, watch]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, update, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, update, patch, delete]
- apiGroups: ["", events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}
