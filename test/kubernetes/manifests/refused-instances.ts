import { instance } from "./manifest-builders.ts";
import { changed, type RefusedAtApply, refused, unfinished } from "./refused-at-apply.ts";

export const REFUSED_INSTANCES: readonly RefusedAtApply[] = [
  refused(
    "power in lower case",
    instance({ power: "on" }),
    unfinished('spec.power: Unsupported value: "on": supported values: "On", "Off", "true", "false"'),
  ),
  refused(
    "a negative number of resets",
    instance({ resetCount: -1 }),
    "spec.resetCount: Invalid value: -1: spec.resetCount in body should be greater than or equal to 0",
  ),
  refused(
    "a channel twice",
    instance({ channels: [{ name: "uart0" }, { name: "uart0", tcp: true }] }),
    'spec.channels[1]: Duplicate value: {"name":"uart0"}',
  ),
  refused(
    "more channels than there can be",
    instance({ channels: Array.from({ length: 33 }, (_, index) => ({ name: `uart${index}` })) }),
    unfinished("spec.channels: Too many: 33: must have at most 32 items"),
  ),
  refused(
    "a Service of another kind",
    instance({ expose: "LoadBalancer" }),
    unfinished(
      'spec.expose: Unsupported value: "LoadBalancer": supported values: "ClusterIP", "Headless", "NodePort", "None"',
    ),
  ),
  refused(
    "a raw port without a Service",
    instance({ expose: "None", channels: [{ name: "uart0", tcp: true }] }),
    "spec.expose: Invalid value: a raw port needs a Service: expose must not be None",
  ),
  refused(
    "a debugger on every node",
    instance({ expose: "NodePort", channels: [{ name: "gdb", tcp: true }] }),
    "spec.channels: Invalid value: raw ports of qmp, gdb and monitor on NodePort need access.unauthenticated: true",
  ),
  refused(
    "a restart policy that there is not",
    instance({ restartPolicy: "UnlessStopped" }),
    unfinished(
      'spec.restartPolicy: Unsupported value: "UnlessStopped": supported values: "Never", "OnFailure", "Always"',
    ),
  ),
  refused(
    "a time in words",
    instance({ ttl: { after: "4 hours" } }),
    'spec.ttl.after: Invalid value: "4 hours": must be a number and a unit of ms, s, m, h or d, such as 500ms or 2s',
  ),
  refused(
    "a time of nothing",
    instance({ ttl: { after: "0s" } }),
    'spec.ttl.after: Invalid value: "0s": must be more than 0',
  ),
  refused("a ttl without a time", instance({ ttl: { then: "Delete" } }), unfinished("spec.ttl.after: Required value")),
  refused(
    "storage of no kind",
    instance({ storage: {} }),
    "spec.storage: Invalid value: needs exactly one of emptyDir, persistentVolumeClaim and volumeClaimTemplate",
  ),
  refused(
    "storage of two kinds",
    instance({ storage: { emptyDir: {}, persistentVolumeClaim: { claimName: "flash" } } }),
    "spec.storage: Invalid value: needs exactly one of emptyDir, persistentVolumeClaim and volumeClaimTemplate",
  ),
  refused(
    "storage of a size in words",
    instance({ storage: { volumeClaimTemplate: { size: "1 GB" } } }),
    'spec.storage.volumeClaimTemplate.size: Invalid value: "1 GB": must be an amount such as 500m, 2 or 512Mi',
  ),
  refused(
    "containers in the template of the pod",
    instance({ podTemplate: { containers: [] } }),
    'EmulatorInstance in version "v1alpha1" cannot be handled as a EmulatorInstance: strict decoding error: unknown field "spec.podTemplate.containers"',
  ),
  refused(
    "the host's network",
    instance({ podTemplate: { hostNetwork: true } }),
    'EmulatorInstance in version "v1alpha1" cannot be handled as a EmulatorInstance: strict decoding error: unknown field "spec.podTemplate.hostNetwork"',
  ),
  refused(
    "a label of the farm's",
    instance({ podTemplate: { labels: { "emufarm.dev/instance": "other" } } }),
    "spec.podTemplate.labels: Invalid value: keys of emufarm.dev/ and app.kubernetes.io/ are the farm's own",
  ),
  refused(
    "an annotation of the farm's",
    instance({ podTemplate: { annotations: { "emufarm.dev/template": "0" } } }),
    "spec.podTemplate.annotations: Invalid value: keys of emufarm.dev/ and app.kubernetes.io/ are the farm's own",
  ),
  refused(
    "a label that is none",
    instance({ podTemplate: { labels: { team: "radio & sensors" } } }),
    "spec.podTemplate.labels[team]: Invalid value: \"radio & sensors\": must be a label's value: letters, digits, '-', '_' and '.'",
  ),
  refused(
    "a taint's effect that there is not",
    instance({ podTemplate: { tolerations: [{ effect: "Never" }] } }),
    unfinished(
      'spec.podTemplate.tolerations[0].effect: Unsupported value: "Never": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
    ),
  ),
  refused(
    "a negative limit",
    instance({ podTemplate: { resources: { limits: { memory: "-1Gi" } } } }),
    'spec.podTemplate.resources.limits[memory]: Invalid value: "-1Gi": must be an amount such as 500m, 2 or 512Mi',
  ),
  refused(
    "no time to end",
    instance({ podTemplate: { terminationGracePeriodSeconds: 0 } }),
    "spec.podTemplate.terminationGracePeriodSeconds: Invalid value: 0: spec.podTemplate.terminationGracePeriodSeconds in body should be greater than or equal to 1",
  ),
  refused(
    "a UART's name for consoleLog",
    instance({ consoleLog: "uart0" }),
    unfinished('spec.consoleLog: Unsupported value: "uart0": supported values: "None", "First", "All"'),
  ),
  changed(
    "another board",
    {},
    { board: "microbit" },
    "spec.board: Invalid value: cannot be changed: make another instance",
  ),
  changed(
    "storage put under an instance",
    {},
    { storage: { emptyDir: {} } },
    "spec.storage: Invalid value: cannot be changed: make another instance",
  ),
  changed(
    "another volume",
    { storage: { persistentVolumeClaim: { claimName: "flash" } } },
    { storage: { persistentVolumeClaim: { claimName: "other" } } },
    "spec.storage: Invalid value: cannot be changed: make another instance",
  ),
  changed(
    "fewer resets than before",
    { resetCount: 3 },
    { resetCount: 2 },
    "spec.resetCount: Invalid value: 2: can only be raised: each raise resets the board",
  ),
];
