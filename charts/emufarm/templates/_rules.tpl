{{/* Name of objects that no namespace has: two farms in a cluster do not meet. */}}
{{- define "emufarm.clusterName" -}}
{{- printf "%s-%s-%s" .root.Release.Namespace (include "emufarm.fullname" .root) .component | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "emufarm.clusterMetadata" -}}
name: {{ include "emufarm.clusterName" . }}
labels:
  {{- include "emufarm.labels" . | nindent 2 }}
{{- end -}}

{{/* What the operator does in namespaces with boards. No Secret is read there, unless the values say so. */}}
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
# By the queue.
- apiGroups: [emufarm.dev]
  resources: [emulatorpools/scale]
  verbs: [patch]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch]
- apiGroups: [""]
  resources: [pods, services]
  verbs: [get, list, watch, create, patch, delete]
# Storage of boards, where an instance asks for a volume.
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, create]
# An agent's own key, which goes with its pod.
- apiGroups: [""]
  resources: [secrets]
  verbs: [create]
{{- if .Values.operator.readSecrets }}
# Credentials for firmware, one by one by their names.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
{{- end }}
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
{{- if .Values.networkPolicies.enabled }}
# Who may reach agents.
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [create]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  resourceNames: [{{ include "emufarm.agentsSecret" . }}]
  verbs: [patch]
{{- end }}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}

{{/* An egress rule to the cluster's name servers. */}}
{{- define "emufarm.namesEgress" -}}
- ports:
    {{- range .Values.networkPolicies.dnsPorts }}
    - {port: {{ . }}, protocol: UDP}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
  {{- with .Values.networkPolicies.dnsTo }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* An egress rule to these ports of whatever address. */}}
{{- define "emufarm.portsEgress" -}}
- ports:
    {{- range . }}
    - {port: {{ . }}}
    {{- end }}
{{- end -}}

{{/* Spec of the NetworkPolicy that the operator puts into each namespace with agents. */}}
{{- define "emufarm.agentPolicy" -}}
{{- $policies := .Values.networkPolicies -}}
podSelector:
  matchLabels: {app.kubernetes.io/name: emufarm-agent}
policyTypes: [Ingress, Egress]
ingress:
  # The agent's API: the farm's own parts.
  - ports: [{port: 8080, protocol: TCP}]
    from:
      - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: {{ .Release.Namespace }}}}
        podSelector: {matchLabels: {app.kubernetes.io/part-of: emufarm, app.kubernetes.io/instance: {{ .Release.Name }}}}
  {{- if .Values.monitoring.enabled }}
  # Metrics are read there as well.
  - ports: [{port: 8080, protocol: TCP}]
    {{- with $policies.metricsFrom }}
    from:
      {{- toYaml . | nindent 6 }}
    {{- end }}
  {{- end }}
  # Raw ports, of which there are those that an instance lists.
  - ports: [{port: 5000, endPort: 5999, protocol: TCP}]
    {{- with $policies.channelsFrom }}
    from:
      {{- toYaml . | nindent 6 }}
    {{- end }}
egress:
  {{- include "emufarm.namesEgress" . | nindent 2 }}
  # Firmware.
  - to:
      - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: {{ .Release.Namespace }}}}
        podSelector:
          matchLabels:
            {{- include "emufarm.selector" (dict "root" . "component" "api") | nindent 12 }}
    ports: [{port: 8080, protocol: TCP}]
  {{- with $policies.agentEgress }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}
