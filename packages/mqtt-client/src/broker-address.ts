/** Where a broker listens. */
export interface BrokerAddress {
  /** A DNS name, or an IP address without brackets. */
  readonly host: string
  readonly port: number
}

/**
 * Reads `mqtts://host:port`; the port is 8883 by default.
 *
 * @throws TypeError for any other scheme, and for user info, a path, a query or a fragment, which nothing here would heed
 */
export function parseBrokerUrl(url: string): BrokerAddress {
  if (!URL.canParse(url)) throw new TypeError('"url" must be a URL such as mqtts://broker.example:8883')
  const parsed = new URL(url)
  if (parsed.protocol !== 'mqtts:') throw new TypeError(`"url" must begin with mqtts://, not ${parsed.protocol}//`)
  if (parsed.username !== '' || parsed.password !== '') throw new TypeError('"url" must not hold a user or password')
  if ((parsed.pathname !== '' && parsed.pathname !== '/') || parsed.search !== '' || parsed.hash !== '') {
    throw new TypeError('"url" must end after the port')
  }
  const host = parsed.hostname.replace(/^\[(.*)\]$/, '$1')
  if (host === '') throw new TypeError('"url" must name a host')
  return { host, port: parsed.port === '' ? 8883 : Number(parsed.port) }
}
