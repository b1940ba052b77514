/** Where a hub is. */
export interface HubAddress {
  /** A DNS name, or an IP address without brackets. */
  readonly host: string
  readonly port: number
  /** What stands in front of `/api/…`: empty, or `/…` without a slash at its end. */
  readonly basePath: string
}

/**
 * Reads `https://host[:port][/path]`; `name` is what the caller calls it.
 *
 * @throws TypeError for any other scheme, and for user info, a query or a fragment
 */
export function parseHubUrl(url: string, name = "the hub's URL"): HubAddress {
  if (!URL.canParse(url)) throw new TypeError(`${name} must be one such as https://hub.example`)
  const parsed = new URL(url)
  if (parsed.protocol !== 'https:') throw new TypeError(`${name} must begin with https://, not ${parsed.protocol}//`)
  if (parsed.username !== '' || parsed.password !== '') throw new TypeError(`${name} must not hold a user or password`)
  if (parsed.search !== '' || parsed.hash !== '') throw new TypeError(`${name} must end after the path`)
  return {
    host: parsed.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, ''),
    port: parsed.port === '' ? 443 : Number(parsed.port),
    basePath: parsed.pathname.replace(/\/+$/, ''),
  }
}
