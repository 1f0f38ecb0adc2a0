{{/* What Pod Security asks of a pod at its level restricted. */}}
{{- define "emufarm.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "emufarm.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* Where pods may run. Called with the part of the values. */}}
{{- define "emufarm.placement" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{- define "emufarm.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* Labels and annotations of a pod: no version, so that it is replaced only where it changes itself. Called with (dict "root" $ "component" NAME "values" PART). */}}
{{- define "emufarm.podMetadata" -}}
labels:
  {{- include "emufarm.selector" . | nindent 2 }}
  app.kubernetes.io/part-of: emufarm
  {{- with .values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .values.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Probes of one of our servers. They name the loopback, which every server answers to. Called with the port's name. */}}
{{- define "emufarm.probes" -}}
startupProbe:
  httpGet: {path: /healthz, port: {{ . }}, httpHeaders: [{name: Host, value: localhost}]}
  periodSeconds: 1
  failureThreshold: 120
livenessProbe:
  httpGet: {path: /healthz, port: {{ . }}, httpHeaders: [{name: Host, value: localhost}]}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /readyz, port: {{ . }}, httpHeaders: [{name: Host, value: localhost}]}
  periodSeconds: 2
  timeoutSeconds: 5
{{- end -}}
