package main

import (
	"cmp"
	"slices"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	corelisters "k8s.io/client-go/listers/core/v1"
	networkinglisters "k8s.io/client-go/listers/networking/v1"
)

// state is what policies are about, in an order that does not change by itself.
type state struct {
	pods       []*core.Pod
	namespaces map[string]labels.Set
	policies   []*networking.NetworkPolicy
}

func observe(
	pods corelisters.PodLister, namespaces corelisters.NamespaceLister, policies networkinglisters.NetworkPolicyLister,
) (*state, error) {
	allPods, err := pods.List(labels.Everything())
	if err != nil {
		return nil, err
	}
	allNamespaces, err := namespaces.List(labels.Everything())
	if err != nil {
		return nil, err
	}
	allPolicies, err := policies.List(labels.Everything())
	if err != nil {
		return nil, err
	}
	found := &state{namespaces: map[string]labels.Set{}, policies: allPolicies}
	for _, pod := range allPods {
		if hasAddress(pod) {
			found.pods = append(found.pods, pod)
		}
	}
	for _, namespace := range allNamespaces {
		found.namespaces[namespace.Name] = namespace.Labels
	}
	slices.SortFunc(found.pods, func(one, other *core.Pod) int { return cmp.Compare(one.Status.PodIP, other.Status.PodIP) })
	slices.SortFunc(found.policies, func(one, other *networking.NetworkPolicy) int {
		return cmp.Compare(one.Namespace+"/"+one.Name, other.Namespace+"/"+other.Name)
	})
	return found, nil
}

// hasAddress tells pods that have one of their own from those of the node's network, and from those that have ended.
func hasAddress(pod *core.Pod) bool {
	hasEnded := pod.Status.Phase == core.PodSucceeded || pod.Status.Phase == core.PodFailed
	return pod.Status.PodIP != "" && !pod.Spec.HostNetwork && !hasEnded
}

// selects tells whether a selector that the API server has taken selects these labels; nil selects nothing.
func selects(selector *meta.LabelSelector, set labels.Set) bool {
	compiled, err := meta.LabelSelectorAsSelector(selector)
	return err == nil && compiled.Matches(set)
}

// appliesTo tells whether a policy restricts a pod's traffic of a direction.
func appliesTo(policy *networking.NetworkPolicy, pod *core.Pod, direction networking.PolicyType) bool {
	return policy.Namespace == pod.Namespace &&
		slices.Contains(policy.Spec.PolicyTypes, direction) &&
		selects(&policy.Spec.PodSelector, pod.Labels)
}

// peers are the pods that a policy names by labels.
func (found *state) peers(policy *networking.NetworkPolicy, peer networking.NetworkPolicyPeer) []*core.Pod {
	var named []*core.Pod
	for _, pod := range found.pods {
		isInNamespace := pod.Namespace == policy.Namespace
		if peer.NamespaceSelector != nil {
			isInNamespace = selects(peer.NamespaceSelector, found.namespaces[pod.Namespace])
		}
		if isInNamespace && (peer.PodSelector == nil || selects(peer.PodSelector, pod.Labels)) {
			named = append(named, pod)
		}
	}
	return named
}
