{{- define "emufarm.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Of every object. Called with (dict "root" $ "component" NAME). */}}
{{- define "emufarm.labels" -}}
{{ include "emufarm.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: emufarm
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{/* What does not change while a release lives. */}}
{{- define "emufarm.selector" -}}
app.kubernetes.io/name: {{ printf "emufarm-%s" .component }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* Name, namespace and labels. Called with (dict "root" $ "component" NAME ["name" FULLNAME]). */}}
{{- define "emufarm.metadata" -}}
name: {{ default (printf "%s-%s" (include "emufarm.fullname" .root) .component) .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "emufarm.labels" . | nindent 2 }}
{{- end -}}

{{/* An image by its tag or digest. Called with (dict "root" $ "image" NAME). */}}
{{- define "emufarm.image" -}}
{{- $image := .root.Values.image -}}
{{- $registry := required "image.registry is not set: name the registry that has the farm's images, such as --set image.registry=registry.example.org/emufarm" $image.registry -}}
{{- $digest := get $image.digests .image -}}
{{- if $digest -}}
{{- printf "%s/emufarm-%s@%s" (trimSuffix "/" $registry) .image $digest -}}
{{- else -}}
{{- printf "%s/emufarm-%s:%s" (trimSuffix "/" $registry) .image (default .root.Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end -}}

{{/* Two Secrets that the operator makes where they are not there: what templates make up changes at every sync. */}}
{{- define "emufarm.apiSecret" -}}
{{- default "emufarm-api" .Values.auth.existingSecret -}}
{{- end -}}

{{- define "emufarm.agentsSecret" -}}
emufarm-agents
{{- end -}}

{{- define "emufarm.apiUrl" -}}
{{- printf "http://%s-api.%s.svc:8080" (include "emufarm.fullname" .) .Release.Namespace -}}
{{- end -}}

{{- define "emufarm.redisUrl" -}}
{{- if eq .Values.redis.type "bundled" -}}
{{- printf "redis://%s-redis.%s.svc:6379" (include "emufarm.fullname" .) .Release.Namespace -}}
{{- else -}}
{{- required "redis.external.url is not set, and redis.type is external: name the Redis to use, such as redis://redis.example.org:6379" .Values.redis.external.url -}}
{{- end -}}
{{- end -}}

{{/* Names that the API is called by, beside the loopback's. */}}
{{- define "emufarm.apiHosts" -}}
{{- $service := printf "%s-api" (include "emufarm.fullname" .) -}}
{{- $namespaced := printf "%s.%s" $service .Release.Namespace -}}
{{- $hosts := list "$(POD_IP)" $service $namespaced (printf "%s.svc" $namespaced) (printf "%s.svc.cluster.local" $namespaced) -}}
{{- if .Values.api.publicUrl -}}
{{- $hosts = append $hosts (get (urlParse .Values.api.publicUrl) "hostname") -}}
{{- end -}}
{{- if .Values.api.ingress.host -}}
{{- $hosts = append $hosts .Values.api.ingress.host -}}
{{- end -}}
{{- if .Values.api.gateway.host -}}
{{- $hosts = append $hosts .Values.api.gateway.host -}}
{{- end -}}
{{- join "," (uniq (concat $hosts .Values.api.hosts)) -}}
{{- end -}}

{{- define "emufarm.redisPort" -}}
{{- $host := get (urlParse (include "emufarm.redisUrl" .)) "host" -}}
{{- regexFind "[0-9]+$" (regexFind ":[0-9]+$" $host) | default "6379" -}}
{{- end -}}

{{/* Refuses settings of a bucket that do not go together. */}}
{{- define "emufarm.checkBucket" -}}
{{- $store := .Values.api.store -}}
{{- if $store.s3.bucket -}}
{{- if eq $store.type "ephemeral" -}}
{{- fail "api.store.s3.bucket is set, and api.store.type is ephemeral: verdicts lie on the volume, and without it nobody knows what is in the bucket. Set api.store.type=persistent" -}}
{{- end -}}
{{- $_ := required "api.store.s3.endpoint is not set, and api.store.s3.bucket is: name the server, such as https://s3.eu-central-1.amazonaws.com" $store.s3.endpoint -}}
{{- $_ := required "api.store.s3.existingSecret is not set, and api.store.s3.bucket is: name a Secret with the keys access-key-id and secret-access-key" $store.s3.existingSecret -}}
{{- else -}}
{{- range $name := list "endpoint" "prefix" "existingSecret" "caSecret" -}}
{{- if get $store.s3 $name -}}
{{- fail (printf "api.store.s3.%s is set, and api.store.s3.bucket is not: name the bucket, or leave the store on its volume" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "emufarm.bucketPort" -}}
{{- $url := urlParse .Values.api.store.s3.endpoint -}}
{{- regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (eq $url.scheme "https" | ternary "443" "80") -}}
{{- end -}}
