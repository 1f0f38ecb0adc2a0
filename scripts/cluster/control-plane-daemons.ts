/** etcd and the control plane of Kubernetes. All but the API server listen on their machine's loopback. */
import type { Daemon } from "./daemons.ts";
import { keyFile } from "./keys.ts";
import { addressOf, type ClusterSettings, serviceRange } from "./settings.ts";

const ETCD = "http://127.0.0.1:2379";
const ETCD_PEER = "http://127.0.0.1:2380";

/** How long a silent node counts as ready (50 s by default), and how long its pods stay after that (300 s). */
const NODE_GRACE = "8s";
const POD_GRACE_SECONDS = 5;

export function controlPlaneDaemons(settings: ClusterSettings): readonly Daemon[] {
  const host = addressOf(settings, "control-plane");
  const afterApiServer = { after: { host, port: 6443 } };
  return [
    { name: "etcd", command: ["etcd", ...etcdFlags(settings)] },
    {
      name: "kube-apiserver",
      after: { host: "127.0.0.1", port: 2379 },
      command: ["kube-apiserver", ...apiServerFlags(settings, host)],
    },
    {
      name: "kube-controller-manager",
      ...afterApiServer,
      command: ["kube-controller-manager", ...clientFlags("kube-controller-manager"), ...controllerFlags()],
    },
    { name: "kube-scheduler", ...afterApiServer, command: ["kube-scheduler", ...clientFlags("kube-scheduler")] },
  ];
}

function etcdFlags({ name }: ClusterSettings): string[] {
  return [
    ...[`--name=${name}`, "--data-dir=/var/lib/etcd", "--log-level=warn", "--unsafe-no-fsync"],
    ...[`--listen-client-urls=${ETCD}`, `--advertise-client-urls=${ETCD}`, `--listen-peer-urls=${ETCD_PEER}`],
    ...[`--initial-advertise-peer-urls=${ETCD_PEER}`, `--initial-cluster=${name}=${ETCD_PEER}`],
  ];
}

function apiServerFlags(settings: ClusterSettings, host: string): string[] {
  return [
    ...[`--bind-address=${host}`, `--advertise-address=${host}`, "--secure-port=6443", `--etcd-servers=${ETCD}`],
    ...[`--client-ca-file=${keyFile("ca.crt")}`, `--tls-cert-file=${keyFile("apiserver.crt")}`],
    ...[`--tls-private-key-file=${keyFile("apiserver.key")}`, "--cert-dir=/run/kube-apiserver"],
    ...[`--kubelet-certificate-authority=${keyFile("ca.crt")}`, "--kubelet-preferred-address-types=InternalIP"],
    `--kubelet-client-certificate=${keyFile("apiserver-kubelet-client.crt")}`,
    `--kubelet-client-key=${keyFile("apiserver-kubelet-client.key")}`,
    "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
    `--service-account-key-file=${keyFile("service-accounts.pub")}`,
    `--service-account-signing-key-file=${keyFile("service-accounts.key")}`,
    ...[`--service-cluster-ip-range=${serviceRange(settings)}`, "--authorization-mode=Node,RBAC"],
    ...["--enable-admission-plugins=NodeRestriction", "--allow-privileged=true"],
    `--requestheader-client-ca-file=${keyFile("front-proxy-ca.crt")}`,
    ...["--requestheader-allowed-names=front-proxy-client", "--requestheader-username-headers=X-Remote-User"],
    ...["--requestheader-group-headers=X-Remote-Group", "--requestheader-extra-headers-prefix=X-Remote-Extra-"],
    `--proxy-client-cert-file=${keyFile("front-proxy-client.crt")}`,
    `--proxy-client-key-file=${keyFile("front-proxy-client.key")}`,
    // Webhooks are called at their pods: nothing on this machine serves the addresses of services.
    "--enable-aggregator-routing=true",
    `--default-not-ready-toleration-seconds=${POD_GRACE_SECONDS}`,
    `--default-unreachable-toleration-seconds=${POD_GRACE_SECONDS}`,
  ];
}

function controllerFlags(): string[] {
  return [
    ...["--use-service-account-credentials=true", `--root-ca-file=${keyFile("ca.crt")}`],
    `--service-account-private-key-file=${keyFile("service-accounts.key")}`,
    ...[`--cluster-signing-cert-file=${keyFile("ca.crt")}`, `--cluster-signing-key-file=${keyFile("ca.key")}`],
    ...[`--client-ca-file=${keyFile("ca.crt")}`, `--requestheader-client-ca-file=${keyFile("front-proxy-ca.crt")}`],
    ...["--kube-api-qps=200", "--kube-api-burst=400"],
    ...["--node-monitor-period=1s", `--node-monitor-grace-period=${NODE_GRACE}`, "--node-startup-grace-period=20s"],
    // Nodes a second: by default the second dead node would wait for ten.
    "--node-eviction-rate=10",
  ];
}

function clientFlags(name: string): string[] {
  const kubeconfig = keyFile(`${name}.kubeconfig`);
  return [
    ...["kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"].map((flag) => `--${flag}=${kubeconfig}`),
    ...["--bind-address=127.0.0.1", "--leader-elect=false", `--cert-dir=/run/${name}`],
  ];
}
