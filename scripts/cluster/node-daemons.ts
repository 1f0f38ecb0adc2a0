/** containerd, the kubelet, kube-proxy and what heeds network policies on a node, and the files that they read. */
import type { Daemon } from "./daemons.ts";
import { keyFile } from "./keys.ts";
import { addressOf, type ClusterSettings, dnsAddress, type NodeName, podRange } from "./settings.ts";
import { inside, insideToolFolder } from "./tools.ts";

const REGISTRY_PORT = 30500;

const settingsFile = (name: string) => `${inside.machine}/settings/${name}`;

export function nodeDaemons(settings: ClusterSettings, node: NodeName): readonly Daemon[] {
  const after = { host: addressOf(settings, "control-plane"), port: 6443 };
  const kubelet = [
    ...[`--config=${settingsFile("kubelet.json")}`, `--kubeconfig=${keyFile(`${node}.kubeconfig`)}`],
    ...["--cert-dir=/run/kubelet", `--hostname-override=${node}`, `--node-ip=${addressOf(settings, node)}`],
  ];
  return [
    { name: "containerd", command: ["containerd", "--config", settingsFile("containerd.toml")] },
    { name: "kubelet", after, command: ["kubelet", ...kubelet] },
    { name: "kube-proxy", after, command: ["kube-proxy", `--config=${settingsFile("kube-proxy.json")}`] },
    ...["network-policy", "local-volumes"].map((name) => {
      return { name, after, command: [name, `--kubeconfig=${keyFile(`${name}.kubeconfig`)}`, `--node=${node}`] };
    }),
  ];
}

/** By their names in the machine's folder of settings. */
export function nodeFiles(settings: ClusterSettings, node: NodeName): Record<string, string> {
  return {
    "containerd.toml": containerdSettings(),
    "10-pods.conflist": JSON.stringify(podNetwork(settings, node)),
    "kubelet.json": JSON.stringify(kubeletSettings(settings, node)),
    "kube-proxy.json": JSON.stringify(proxySettings(settings, node)),
    // Names from outside of the cluster are none of a pod's business: nothing leaves this machine.
    "resolv.conf": "",
    ...Object.fromEntries(
      registries(settings).map((at) => [`registries/${at}/hosts.toml`, `server = "http://${at}"\n`]),
    ),
  };
}

/** Where a registry may stand without TLS: behind a port of the first node, or on the host. */
function registries(settings: ClusterSettings): string[] {
  return [addressOf(settings, "node1"), addressOf(settings, "host")].map((host) => `${host}:${REGISTRY_PORT}`);
}

/** Where this process may not raise its own priority for the OOM killer, sandboxes fail unless that is left alone. */
function containerdSettings(): string {
  return `version = 3
[plugins.'io.containerd.internal.v1.opt']
  path = '/var/lib/containerd-opt'
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = 'localhost/pause:1'
[plugins.'io.containerd.cri.v1.images'.registry]
  config_path = '${settingsFile("registries")}'
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = 'io.containerd.runc.v2'
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ['${insideToolFolder("cni")}']
    conf_dir = '${inside.machine}/settings'
`;
}

/**
 * Each pod has a cable of its own to its node, so that all it says passes the node's rules; on a bridge pods of one node
 * would talk behind its back. The node has no way to anywhere but its like.
 */
function podNetwork(settings: ClusterSettings, node: NodeName) {
  const ipam = {
    type: "host-local",
    dataDir: "/run/cni-ipam",
    ranges: [[{ subnet: podRange(settings, node) }]],
    routes: [{ dst: "0.0.0.0/0" }],
  };
  return { cniVersion: "1.0.0", name: settings.name, plugins: [{ type: "ptp", ipMasq: false, ipam }] };
}

function kubeletSettings(settings: ClusterSettings, node: NodeName) {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    failCgroupV1: false,
    cgroupDriver: "cgroupfs",
    cgroupRoot: `/${settings.name}/${node}`,
    containerRuntimeEndpoint: "unix:///run/containerd/containerd.sock",
    address: addressOf(settings, node),
    healthzBindAddress: "127.0.0.1",
    tlsCertFile: keyFile(`${node}-server.crt`),
    tlsPrivateKeyFile: keyFile(`${node}-server.key`),
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: keyFile("ca.crt") },
    },
    authorization: { mode: "Webhook" },
    clusterDomain: "cluster.local",
    clusterDNS: [dnsAddress(settings)],
    resolvConf: settingsFile("resolv.conf"),
    failSwapOn: false,
    volumePluginDir: "/var/lib/kubelet/volumeplugins",
    enforceNodeAllocatable: ["pods"],
    evictionHard: { "memory.available": "100Mi", "nodefs.available": "2%", "imagefs.available": "2%" },
    imageGCHighThresholdPercent: 98,
    imageGCLowThresholdPercent: 95,
    maxPods: 110,
    oomScoreAdj: 0,
    // A lease is renewed four times in its life, and the control plane waits for twice that.
    nodeLeaseDurationSeconds: 4,
    nodeStatusUpdateFrequency: "2s",
    nodeStatusReportFrequency: "10s",
  };
}

function proxySettings(settings: ClusterSettings, node: NodeName) {
  const address = addressOf(settings, node);
  return {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "nftables",
    hostnameOverride: node,
    clientConnection: { kubeconfig: keyFile("kube-proxy.kubeconfig") },
    bindAddress: address,
    healthzBindAddress: "127.0.0.1:10256",
    metricsBindAddress: "127.0.0.1:10249",
    clusterCIDR: `${settings.pods}.0.0/16`,
    nodePortAddresses: [`${address}/32`],
    // The limits of the host's table are the host's.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
    nftables: { minSyncPeriod: "0s" },
    oomScoreAdj: 0,
  };
}
