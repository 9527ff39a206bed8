/** What the firmware of a machine says about it (SMBIOS, as Linux shows it in /sys/class/dmi/id). */
export interface Firmware {
  readonly sysVendor: string
  readonly productName: string
  readonly biosVendor: string
  readonly chassisAssetTag: string
}

/** A provider of VPSs, and how UDP and TCP of the hub's port are let in there. */
export interface Provider {
  readonly name: string
  /** Whether the firmware is this provider's. Default: none of its machines are told without the network. */
  readonly isThis?: (firmware: Firmware) => boolean
  /** One step each, with PORT for the number. */
  readonly steps: readonly string[]
  /** The provider's own page about it. */
  readonly manual: string
}

/**
 * How machines are told apart is cloud-init's own way, in its tools/ds-identify (22.4.2, Debian 12), and for AWS its manual
 * too ("Detect whether a host is an EC2 instance"). The steps are those of the manuals that are named; where the
 * console's words are not certain there are fewer of them.
 */
export const PROVIDERS: readonly Provider[] = [
  {
    name: 'AWS',
    isThis: ({ sysVendor, biosVendor }) => sysVendor === 'Amazon EC2' || biosVendor === 'Amazon EC2',
    steps: [
      'EC2 console, Instances, this instance, tab Security: open its security group',
      'Edit inbound rules, Add rule: Custom UDP, port range PORT, source Anywhere (0.0.0.0/0, and ::/0 for IPv6)',
      'Add rule once more, with Custom TCP and the same port and source, then Save rules',
      'Give the instance an Elastic IP address: its public address changes with each stop and start otherwise',
    ],
    manual: 'https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/working-with-security-group-rules.html',
  },
  {
    name: 'Google Cloud',
    isThis: ({ productName }) => productName.includes('Google Compute Engine'),
    steps: [
      'VPC network, Firewall, Create firewall rule: direction Ingress, targets All instances in the network, source 0.0.0.0/0',
      'Protocols and ports: UDP PORT and TCP PORT. In one line: gcloud compute firewall-rules create homeward --allow=udp:PORT,tcp:PORT',
      'Reserve the external address as a static one: it changes when the machine is stopped otherwise',
    ],
    manual: 'https://cloud.google.com/firewall/docs/using-firewalls',
  },
  {
    name: 'Oracle Cloud',
    isThis: ({ chassisAssetTag }) => chassisAssetTag === 'OracleCloud.com',
    steps: [
      'Networking, Virtual cloud networks, the network of this instance, its subnet, Security Lists (or the network security group of the instance): Add Ingress Rules',
      'Source CIDR 0.0.0.0/0, IP protocol UDP, destination port PORT; add another one with TCP',
      'The instance has a firewall of its own too: iptables of Oracle’s images ends in a REJECT. homeward puts its rules before that by itself; homeward hub status warns when packets do not pass',
    ],
    manual: 'https://docs.oracle.com/en-us/iaas/Content/Network/Concepts/securitylists.htm',
  },
  {
    name: 'Microsoft Azure',
    // The tag of every virtual machine there, by cloud-init's is_azure_chassis.
    isThis: ({ chassisAssetTag }) => chassisAssetTag === '7783-7084-3265-9085-8269-3286-77',
    steps: [
      'The virtual machine, Networking, its network security group: add an inbound port rule',
      'Source Any, destination port PORT, protocol UDP, action Allow; add another one with TCP',
    ],
    manual: 'https://learn.microsoft.com/en-us/azure/virtual-network/manage-network-security-group',
  },
  {
    name: 'Hetzner Cloud',
    isThis: ({ sysVendor }) => sysVendor === 'Hetzner',
    steps: [
      'Without a firewall of yours in the Cloud Console everything is let in, and there is nothing to do',
      'With one: Firewalls, the one of this server, Inbound: add UDP PORT and TCP PORT from any IPv4 and any IPv6',
    ],
    manual: 'https://docs.hetzner.com/cloud/firewalls/overview/',
  },
  {
    name: 'DigitalOcean',
    isThis: ({ sysVendor }) => sysVendor === 'DigitalOcean',
    steps: [
      'Without a Cloud Firewall of yours everything is let in, and there is nothing to do',
      'With one: Networking, Firewalls, the one of this Droplet, Inbound Rules: add Custom, UDP, port PORT, all IPv4 and IPv6; then the same with TCP',
    ],
    manual: 'https://docs.digitalocean.com/products/networking/firewalls/how-to/configure-rules/',
  },
  {
    name: 'Scaleway',
    isThis: ({ sysVendor }) => sysVendor === 'Scaleway',
    steps: ['Instances, Security groups, the one of this Instance: let it accept inbound UDP PORT and TCP PORT'],
    manual: 'https://www.scaleway.com/en/docs/instances/how-to/use-security-groups/',
  },
  {
    name: 'Vultr',
    isThis: ({ sysVendor }) => sysVendor === 'Vultr',
    steps: ['Where a firewall group is linked to this instance, add UDP PORT and TCP PORT from anywhere to it'],
    manual: 'https://docs.vultr.com/products/network/firewall-groups',
  },
  {
    name: 'OVHcloud',
    steps: [
      'Where you have switched on the Edge Network Firewall for the VPS’s address, or a security group (Public Cloud), let UDP PORT and TCP PORT in there',
    ],
    manual: 'https://help.ovhcloud.com/csm/en-dedicated-servers-firewall-network',
  },
  {
    name: 'IONOS',
    steps: [
      'Every server is behind a firewall there, which opens only a few ports at first: Cloud Panel, Network, Firewall Policies, the policy of this server',
      'Configuration, last row: protocol UDP, port PORT, Add rule; then the same with TCP, and wait until the policy is active again',
    ],
    manual:
      'https://www.ionos.co.uk/help/server-cloud-infrastructure/firewall-vps/editing-a-firewall-policy-vps-migrated-cloud-servers-and-vps/',
  },
  {
    name: 'netcup',
    steps: [
      'Where a policy of yours is assigned to the server (Server Control Panel, the server, Firewall), it needs INGRESS rules for UDP to port PORT and TCP to port PORT',
      'And an EGRESS rule for UDP from port PORT: that firewall follows TCP connections, and does not let answers over UDP out by itself',
    ],
    manual: 'https://helpcenter.netcup.com/en/wiki/server/firewall',
  },
]

/** Whose machine this is; null: nobody's that is known. */
export function providerOf(firmware: Firmware): Provider | null {
  return PROVIDERS.find(({ isThis }) => isThis?.(firmware) === true) ?? null
}

/** The steps for one port. */
export function stepsFor({ steps }: Provider, port: number): readonly string[] {
  return steps.map((step) => step.replaceAll('PORT', String(port)))
}
