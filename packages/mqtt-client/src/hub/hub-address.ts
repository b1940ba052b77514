/** Where a hub is. */
export interface HubAddress {
  /** A DNS name, or an IP address without brackets. */
  readonly host: string
  readonly port: number
  /** What stands in front of `/api/…`: empty, or `/…` without a slash at its end. */
  readonly basePath: string
}

/**
 * Reads `https://host[:port][/path]`.
 *
 * @throws TypeError for any other scheme, and for user info, a query or a fragment
 */
export function parseHubUrl(url: string): HubAddress {
  if (!URL.canParse(url)) throw new TypeError("the hub's URL must be one such as https://hub.example")
  const parsed = new URL(url)
  if (parsed.protocol !== 'https:')
    throw new TypeError(`the hub's URL must begin with https://, not ${parsed.protocol}//`)
  if (parsed.username !== '' || parsed.password !== '')
    throw new TypeError("the hub's URL must not hold a user or password")
  if (parsed.search !== '' || parsed.hash !== '') throw new TypeError("the hub's URL must end after the path")
  return {
    host: parsed.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, ''),
    port: parsed.port === '' ? 443 : Number(parsed.port),
    basePath: parsed.pathname.replace(/\/+$/, ''),
  }
}
