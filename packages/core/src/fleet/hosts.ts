import { isIP } from 'node:net'
import { type GeneralName, PkiError } from '@fleetcert/x509'
import { hasOnlyALabels } from '../authority/lint/name-syntax.ts'

/** DNS name or IP address. */
export type HostName = Extract<GeneralName, { readonly type: 'dns' | 'ip' }>

const label = /^(?!-)[A-Za-z0-9-]{1,63}(?<!-)$/

/**
 * DNS names (A-labels, a wildcard only as the whole left-most label: RFC 9525 section 6.3) and IP addresses as the names of SubjectAltName.
 * @throws PkiError `ERR_PKI_NAME`
 */
export function serverNames(hosts: readonly string[]): HostName[] {
  if (!Array.isArray(hosts) || hosts.length === 0 || hosts.length > 100) {
    throw new PkiError('ERR_PKI_NAME', { reason: 'hosts: expected 1 to 100 DNS names or IP addresses' })
  }
  const names = new Map<string, HostName>()
  for (const host of hosts) {
    if (typeof host !== 'string') throw new PkiError('ERR_PKI_NAME', { reason: 'hosts: expected strings' })
    const name: HostName =
      isIP(host) === 0 ? { type: 'dns', value: dnsName(host) } : { type: 'ip', value: address(host) }
    names.set(name.value, name)
  }
  return [...names.values()]
}

/** One spelling for each address: `::1` and `0:0:0:0:0:0:0:1` are the same octets. */
function address(host: string): string {
  return isIP(host) === 6 ? new URL(`http://[${host}]`).hostname.slice(1, -1) : host
}

function dnsName(host: string): string {
  const labels = host.split('.')
  if (labels[0] === '*' && labels.length > 2) labels.shift()
  // A name whose last label is all digits is an IPv4 address that was mistyped.
  const last = labels.at(-1)!
  if (host.length > 253 || !labels.every(part => label.test(part)) || /^\d+$/.test(last) || !hasOnlyALabels(host)) {
    throw new PkiError('ERR_PKI_NAME', { reason: 'not a DNS name in its ASCII form, nor an IP address' })
  }
  return host.toLowerCase()
}
