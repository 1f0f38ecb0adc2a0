import { BlockList, isIP } from "node:net";

/** Which addresses the farm may fetch from. */
export interface AddressRules {
  /** Why not; undefined where it may. */
  refusalOf(address: string): string | undefined;
  /** True where a host is listed by its name, whatever its address. */
  isListed(host: string): boolean;
}

/** What is not the open Internet, by what it is (IANA's registries of special-purpose addresses, RFC 6890). */
const SPECIAL: readonly (readonly [subnet: string, what: string])[] = [
  ["0.0.0.0/8", "this machine"],
  ["10.0.0.0/8", "a private network"],
  ["100.64.0.0/10", "a provider's shared network"],
  ["127.0.0.0/8", "this machine"],
  ["169.254.0.0/16", "the local link, where metadata services are"],
  ["172.16.0.0/12", "a private network"],
  ["192.0.0.0/24", "a special purpose"],
  ["192.0.2.0/24", "documentation"],
  ["192.88.99.0/24", "a tunnel"],
  ["192.168.0.0/16", "a private network"],
  ["198.18.0.0/15", "tests of networks"],
  ["198.51.100.0/24", "documentation"],
  ["203.0.113.0/24", "documentation"],
  ["224.0.0.0/4", "many receivers"],
  ["240.0.0.0/4", "a special purpose"],
  ["::/96", "this machine"],
  ["64:ff9b::/96", "a translator to IPv4"],
  ["64:ff9b:1::/48", "a translator to IPv4"],
  ["100::/64", "nobody"],
  ["2001::/23", "a tunnel"],
  ["2001:db8::/32", "documentation"],
  ["2002::/16", "a tunnel"],
  ["3fff::/20", "documentation"],
  ["5f00::/16", "a special purpose"],
  ["fc00::/7", "a private network"],
  ["fe80::/10", "the local link"],
  ["fec0::/10", "a private network"],
  ["ff00::/8", "many receivers"],
];

/**
 * @param allowed networks (`10.1.0.0/16`), addresses and host names that are fetched from all the same
 * @param denied networks and addresses that are not, such as those of a cluster that are no private ones
 */
export function createAddressRules(allowed: readonly string[] = [], denied: readonly string[] = []): AddressRules {
  const special = SPECIAL.map(([subnet, what]) => ({ list: blockListOf([subnet]), what }));
  const allowedNetworks = blockListOf(allowed.filter(isNetwork));
  const deniedNetworks = blockListOf(denied);
  const allowedHosts = new Set(allowed.filter((one) => !isNetwork(one)).map((host) => host.toLowerCase()));
  return {
    refusalOf(text) {
      // A link-local address may come with the zone that it is in.
      const address = text.replace(/%.*$/, "");
      const family = familyOf(address);
      if (allowedNetworks.check(address, family)) return undefined;
      if (deniedNetworks.check(address, family)) return `${address} is refused by the farm's settings`;
      const what = special.find(({ list }) => list.check(address, family))?.what;
      return what === undefined ? undefined : `${address} is for ${what}`;
    },
    isListed: (host) => allowedHosts.has(host.toLowerCase()),
  };
}

/** True for an address, alone or with the length of a prefix. */
export function isNetwork(text: string): boolean {
  const [address = "", length, ...rest] = text.split("/");
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return length === undefined || (/^\d+$/.test(length) && Number(length) <= (family === 4 ? 32 : 128));
}

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", length] = network.split("/");
    const family = familyOf(address);
    if (length === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(length), family);
  }
  return list;
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 6 ? "ipv6" : "ipv4";
}
