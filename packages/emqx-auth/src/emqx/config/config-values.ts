import { isIP } from 'node:net'

/** Text for one line of a file. @internal */
export function checkText(label: string, text: unknown): string {
  if (typeof text !== 'string' || text === '' || /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(text)) {
    throw new TypeError(`"${label}" must be text without control characters`)
  }
  return text
}

/** A whole number within bounds. @internal */
export function checkInteger(label: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw new TypeError(`"${label}" must be a whole number from ${least} to ${most}`)
  }
  return value
}

/**
 * The URL of a hook as EMQX takes it: http or https, without user, password, fragment, and without anything that could be filled in. Secrets and answers travel over it, so http is for hosts of a private network alone.
 *
 * @internal
 */
export function checkHookUrl(label: string, text: unknown, placeholder: string): URL {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:'
  if (!isHttp || url.username !== '' || url.password !== '' || url.hash !== '' || url.href.includes(placeholder)) {
    throw new TypeError(`"${label}" must be an http or https URL without user, password, fragment or placeholder`)
  }
  if (url.protocol === 'http:' && !isPrivateHost(url.hostname)) {
    throw new TypeError(`"${label}" must be https: secret and answers would cross a public network in the clear`)
  }
  return url
}

/** Whether a URL's host is the machine itself or only reachable from within: private addresses, names without a dot such as a compose file's services, and names under domains that are never public. @internal */
export function isPrivateHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase()
  switch (isIP(host)) {
    case 4:
      return /^(?:127|10)\.|^192\.168\.|^169\.254\.|^172\.(?:1[6-9]|2\d|3[01])\./.test(host)
    case 6:
      return host === '::1' || /^f[cd]|^fe[89ab]/.test(host)
    default:
      return host !== '' && (!host.includes('.') || /\.(?:localhost|local|internal|lan|test|svc)$/.test(host))
  }
}

/** A header by which the hooks know the broker. */
export interface SecretHeader {
  /** Such as `x-broker-secret`; none that HTTP itself uses. */
  readonly name: string
  /** Long and random. Stands in the broker's configuration as it is. */
  readonly value: string
}

/** @internal */
export function checkSecretHeader({ name, value }: SecretHeader, placeholder: string): SecretHeader {
  if (typeof name !== 'string' || !/^[A-Za-z][A-Za-z0-9-]*$/.test(name) || reserved.has(name.toLowerCase())) {
    throw new TypeError('"secretHeader.name" must be the name of a header that nothing else uses')
  }
  checkText('secretHeader.value', value)
  // It would be filled by what the client sends.
  if (value.includes(placeholder)) throw new TypeError(`"secretHeader.value" must not hold ${placeholder}`)
  return { name: name.toLowerCase(), value }
}

const reserved: ReadonlySet<string> = new Set([
  'accept',
  'cache-control',
  'connection',
  'content-length',
  'content-type',
  'host',
  'keep-alive',
  'transfer-encoding',
])

/** @internal */
export function checkTlsVersions(names: readonly string[]): readonly string[] {
  const isKnown = Array.isArray(names) && names.every(name => name === 'tlsv1.3' || name === 'tlsv1.2')
  if (!isKnown || names.length === 0 || new Set(names).size !== names.length) {
    throw new TypeError('"listener.tlsVersions" must hold "tlsv1.3", "tlsv1.2" or both')
  }
  return names
}
