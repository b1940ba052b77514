import { BlockList, isIP } from 'node:net'

/** Whether an address is one of the proxies whose word is taken. */
export type ProxyTest = (remoteAddress: string | undefined) => boolean

/**
 * Compiles `trustProxy`: IP addresses, and networks such as `10.1.0.0/16`. A connection without an address, such as one of a Unix socket, is nobody's.
 * @throws TypeError
 */
export function trustedProxies(label: string, entries: readonly string[]): ProxyTest {
  if (!Array.isArray(entries)) throw new TypeError(`${label}: expected an array of IP addresses and networks`)
  const list = new BlockList()
  for (const entry of entries) {
    const [, address = '', bits] = /^([0-9A-Fa-f:.]{2,45})(?:\/(\d{1,3}))?$/.exec(entry) ?? []
    const version = isIP(address)
    if (version === 0) throw new TypeError(`${label}: expected IP addresses and networks, such as 10.1.0.0/16`)
    const family = version === 4 ? 'ipv4' : 'ipv6'
    if (bits === undefined) list.addAddress(address, family)
    // Everybody is no list of proxies: whoever can reach the hub could name the certificate that he would like to have.
    else if (Number(bits) === 0) throw new TypeError(`${label}: ${entry} is every address`)
    else if (Number(bits) > (version === 4 ? 32 : 128)) throw new TypeError(`${label}: ${entry} is no network`)
    else list.addSubnet(address, Number(bits), family)
  }
  return remoteAddress => {
    // A link-local address comes with its interface, `fe80::1%eth0`.
    const address = remoteAddress?.split('%', 1)[0] ?? ''
    const version = isIP(address)
    // An IPv4 address in IPv6 form, as a socket for both has it, is found among the IPv4 ones.
    return version !== 0 && list.check(address, version === 4 ? 'ipv4' : 'ipv6')
  }
}
