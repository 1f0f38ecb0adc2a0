package main

import (
	"fmt"
	"strings"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const name = "emufarm-network-policy"

// A rule of a policy, of either direction.
type rule struct {
	policy *networking.NetworkPolicy
	peers  []networking.NetworkPolicyPeer
	ports  []networking.NetworkPolicyPort
}

// tableFor is what nft makes of a node: a chain for each of its pods that a policy is about, in each direction.
func tableFor(node string, found *state) string {
	var chains, egress, ingress strings.Builder
	for _, pod := range found.pods {
		if pod.Spec.NodeName != node {
			continue
		}
		address := pod.Status.PodIP
		for _, direction := range []networking.PolicyType{networking.PolicyTypeEgress, networking.PolicyTypeIngress} {
			jumps := &egress
			if direction == networking.PolicyTypeIngress {
				jumps = &ingress
			}
			rules, isRestricted := rulesFor(pod, found, direction)
			if !isRestricted {
				continue
			}
			chain := strings.ToLower(string(direction)) + "-" + strings.ReplaceAll(address, ".", "-")
			fmt.Fprintf(jumps, "%s : jump %s, ", address, chain)
			chains.WriteString(chainFor(chain, pod, found, direction, rules))
		}
	}
	var table strings.Builder
	fmt.Fprintf(&table, "add table ip %[1]s\ndelete table ip %[1]s\ntable ip %[1]s {\n%[2]s", name, chains.String())
	fmt.Fprintf(&table, "chain forward {\ntype filter hook forward priority filter; policy accept;\n")
	fmt.Fprintf(&table, "ct state established,related accept\n%s%s}\n", jump("saddr", egress.String()), jump("daddr", ingress.String()))
	// What a pod says to its own node is not forwarded.
	fmt.Fprintf(&table, "chain input {\ntype filter hook input priority filter; policy accept;\n")
	fmt.Fprintf(&table, "ct state established,related accept\n%s}\n}\n", jump("saddr", egress.String()))
	return table.String()
}

func jump(side, targets string) string {
	if targets == "" {
		return ""
	}
	return fmt.Sprintf("ip %s vmap { %s }\n", side, strings.TrimSuffix(targets, ", "))
}

// rulesFor tells what a pod may do, and whether any policy restricts it at all.
func rulesFor(pod *core.Pod, found *state, direction networking.PolicyType) (rules []rule, isRestricted bool) {
	for _, policy := range found.policies {
		if !appliesTo(policy, pod, direction) {
			continue
		}
		isRestricted = true
		if direction == networking.PolicyTypeIngress {
			for _, one := range policy.Spec.Ingress {
				rules = append(rules, rule{policy, one.From, one.Ports})
			}
			continue
		}
		for _, one := range policy.Spec.Egress {
			rules = append(rules, rule{policy, one.To, one.Ports})
		}
	}
	return rules, isRestricted
}

// chainFor returns from the chain what is allowed, and drops the rest.
func chainFor(chain string, pod *core.Pod, found *state, direction networking.PolicyType, rules []rule) string {
	side := "saddr"
	if direction == networking.PolicyTypeEgress {
		side = "daddr"
	}
	var text strings.Builder
	// A pod may always reach itself, by its service.
	fmt.Fprintf(&text, "chain %s {\nip %s %s return\n", chain, side, pod.Status.PodIP)
	for _, one := range rules {
		for _, match := range matches(one, pod, found, direction, side) {
			fmt.Fprintf(&text, "%s return\n", match)
		}
	}
	text.WriteString("drop\n}\n")
	return text.String()
}

func matches(one rule, pod *core.Pod, found *state, direction networking.PolicyType, side string) []string {
	isEgress := direction == networking.PolicyTypeEgress
	if len(one.peers) == 0 {
		// Names of ports are those of the pod itself; out to anywhere there is nobody to ask.
		return withPorts("", one.ports, pod)
	}
	var lines []string
	for _, peer := range one.peers {
		if peer.IPBlock != nil {
			lines = append(lines, withPorts(blockMatch(side, peer.IPBlock), one.ports, pod)...)
			continue
		}
		for _, other := range found.peers(one.policy, peer) {
			receiver := pod
			if isEgress {
				receiver = other
			}
			lines = append(lines, withPorts(fmt.Sprintf("ip %s %s ", side, other.Status.PodIP), one.ports, receiver)...)
		}
	}
	return lines
}

func blockMatch(side string, block *networking.IPBlock) string {
	if strings.Contains(block.CIDR, ":") {
		// This cluster has no such addresses.
		return "ip version 6 "
	}
	match := fmt.Sprintf("ip %s %s ", side, block.CIDR)
	if len(block.Except) > 0 {
		match += fmt.Sprintf("ip %s != { %s } ", side, strings.Join(block.Except, ", "))
	}
	return match
}

// withPorts makes a match for each port; names are looked up at the pod that is connected to.
func withPorts(match string, ports []networking.NetworkPolicyPort, receiver *core.Pod) []string {
	if len(ports) == 0 {
		return []string{match}
	}
	var lines []string
	for _, port := range ports {
		protocol := core.ProtocolTCP
		if port.Protocol != nil {
			protocol = *port.Protocol
		}
		word := strings.ToLower(string(protocol))
		if port.Port == nil {
			lines = append(lines, match+"meta l4proto "+word)
			continue
		}
		number, isKnown := portNumber(*port.Port, protocol, receiver)
		if !isKnown {
			continue
		}
		last := ""
		if port.EndPort != nil {
			last = fmt.Sprintf("-%d", *port.EndPort)
		}
		lines = append(lines, fmt.Sprintf("%s%s dport %d%s", match, word, number, last))
	}
	return lines
}

func portNumber(port intstr.IntOrString, protocol core.Protocol, pod *core.Pod) (int32, bool) {
	if port.Type == intstr.Int {
		return port.IntVal, true
	}
	for _, container := range pod.Spec.Containers {
		for _, one := range container.Ports {
			if one.Name == port.StrVal && one.Protocol == protocol {
				return one.ContainerPort, true
			}
		}
	}
	return 0, false
}
