import { checkInteger, checkText } from '../emqx/config/config-values.ts'

/** A server behind HAProxy. */
export interface HaproxyServer {
  /** For logs, and for `set server` on the admin socket: 1 to 64 of `A–Z a–z 0–9 _ . : -`. */
  readonly name: string
  /** A name, an IPv4 address, or an IPv6 address in brackets. */
  readonly host: string
  /** 1 to 65535. */
  readonly port: number
}

/** `server <name> <address>`. @throws TypeError */
export function serverLine(label: string, { name, host }: HaproxyServer, port: number, rest: string): string {
  return `  server ${checkName(label, name)} ${checkHost(label, host)}:${checkInteger(`${label}.port`, port, 1, 65_535)} ${rest}`
}

/** At least one, and no name twice. @throws TypeError */
export function checkServers(label: string, servers: readonly HaproxyServer[]): void {
  if (!Array.isArray(servers) || servers.length === 0) throw new TypeError(`"${label}" must name at least one`)
  if (new Set(servers.map(({ name }) => name)).size !== servers.length) {
    throw new TypeError(`"${label}" must have names that differ`)
  }
}

/** A word: spaces, quotes, backslashes, `#`, `$` and commas mean something to HAProxy. @throws TypeError */
export function checkWord(label: string, text: unknown): string {
  if (!/^[A-Za-z0-9_.:[\]*/@-]+$/.test(checkText(label, text))) throw new TypeError(`"${label}" must be an address`)
  return text as string
}

function checkHost(label: string, host: unknown): string {
  const isHost = typeof host === 'string' && /^(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])$/.test(host)
  if (!isHost) throw new TypeError(`"${label}.host" must be a name, an IPv4 address, or an IPv6 address in brackets`)
  return host
}

function checkName(label: string, name: unknown): string {
  if (typeof name !== 'string' || !/^[A-Za-z0-9_.:-]{1,64}$/.test(name)) {
    throw new TypeError(`"${label}.name" must be 1 to 64 of A–Z a–z 0–9 _ . : -`)
  }
  return name
}
