// network-policy makes a node of the test cluster heed NetworkPolicy, which its plain pod network does not: it watches
// pods, namespaces and policies, and keeps one nftables table as they say. What is not allowed is dropped; connections
// that were made before a policy forbade them go on.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// quiet is how long nothing must have changed before the table is written: changes come in bursts.
const quiet = 20 * time.Millisecond

func main() {
	kubeconfig := flag.String("kubeconfig", "", "file")
	node := flag.String("node", "", "whose pods are protected")
	flag.Parse()
	context, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	if err := run(context, *kubeconfig, *node); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(context context.Context, kubeconfig, node string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	pods, namespaces := factory.Core().V1().Pods(), factory.Core().V1().Namespaces()
	policies := factory.Networking().V1().NetworkPolicies()
	changed := make(chan struct{}, 1)
	tell := func(any) {
		select {
		case changed <- struct{}{}:
		default: // One that waits to be read is enough.
		}
	}
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc: tell, UpdateFunc: func(_, after any) { tell(after) }, DeleteFunc: tell,
	}
	for _, informer := range []cache.SharedIndexInformer{pods.Informer(), namespaces.Informer(), policies.Informer()} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return err
		}
	}
	factory.Start(context.Done())
	factory.WaitForCacheSync(context.Done())
	last := ""
	for {
		select {
		case <-context.Done():
			return nil
		case <-changed:
		}
		time.Sleep(quiet)
		state, err := observe(pods.Lister(), namespaces.Lister(), policies.Lister())
		if err != nil {
			return err
		}
		table := tableFor(node, state)
		if table == last {
			continue
		}
		if err := write(table); err != nil {
			return err
		}
		last = table
	}
}

// write replaces the table as a whole: no packet sees half of it.
func write(table string) error {
	nft := exec.Command("nft", "-f", "-")
	nft.Stdin = strings.NewReader(table)
	output, err := nft.CombinedOutput()
	if err != nil {
		return fmt.Errorf("nft: %w: %s\n%s", err, output, table)
	}
	return nil
}
