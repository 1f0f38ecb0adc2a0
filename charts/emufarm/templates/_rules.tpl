{{/* Name of objects that no namespace has: two farms in a cluster do not meet. */}}
{{- define "emufarm.clusterName" -}}
{{- printf "%s-%s-%s" .root.Release.Namespace (include "emufarm.fullname" .root) .component | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "emufarm.clusterMetadata" -}}
name: {{ include "emufarm.clusterName" . }}
labels:
  {{- include "emufarm.labels" . | nindent 2 }}
{{- end -}}

{{/* What the operator does in namespaces with boards. No Secret is read there. */}}
{{- define "emufarm.operatorRules" -}}
- apiGroups: [emufarm.dev]
  resources: [boards, emulatorinstances, emulatorpools]
  verbs: [get, list, watch]
# What is to be deleted when its time has come.
- apiGroups: [emufarm.dev]
  resources: [emulatorinstances]
  verbs: [delete]
- apiGroups: [emufarm.dev]
  resources: [boards/status, emulatorinstances/status, emulatorpools/status]
  verbs: [patch]
# Children keep their owner from being gone before them.
- apiGroups: [emufarm.dev]
  resources: [emulatorinstances/finalizers, emulatorpools/finalizers]
  verbs: [update]
- apiGroups: [""]
  resources: [pods, services]
  verbs: [get, list, watch, create, patch, delete]
# An agent's own key, which goes with its pod.
- apiGroups: [""]
  resources: [secrets]
  verbs: [create]
# Firmware.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, watch]
# The farm's public keys, which agents mount.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [create]
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [{{ include "emufarm.agentsSecret" . }}]
  verbs: [patch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}
