import { type EmqxRelease, hasSince } from './emqx-version.ts'

// From which release on a placeholder is filled, read in the sources at each tag. One that is not known stays as it stands: `"${cert_pem}"` arrives as those eleven characters.
// Where a mend was carried back to an older line there are several, in rising order.

const everywhere: Readonly<Record<string, readonly string[]>> = {
  username: ['5.0.0'],
  clientid: ['5.0.0'],
  peerhost: ['5.0.0'],
  zone: ['5.8.6', '5.9.0'],
  peerport: ['5.9.0'],
  listener: ['5.9.0'],
}

/** Placeholders of the HTTP authenticator, and of the headers of both. */
const authenticator: Readonly<Record<string, readonly string[]>> = {
  ...everywhere,
  password: ['5.0.0'],
  // There before, but not filled.
  cert_subject: ['5.0.4'],
  cert_common_name: ['5.0.4'],
  cert_pem: ['5.7.1'],
}

/** Placeholders of the HTTP authorizer's URL and body. */
const authorizer: Readonly<Record<string, readonly string[]>> = {
  ...everywhere,
  zone: ['5.9.0'],
  proto_name: ['5.0.0'],
  mountpoint: ['5.0.0'],
  topic: ['5.0.0'],
  action: ['5.0.0'],
  cert_subject: ['5.0.9'],
  cert_common_name: ['5.0.9'],
  access: ['5.7.1'],
  cert_pem: ['5.8.0'],
  qos: ['5.2.0'],
  retain: ['5.2.0'],
}

/** Who fills a template. @internal */
export type TemplateOwner = 'authenticator' | 'authorizer'

/** Whether a placeholder is one at all, in any release. @internal */
export function isPlaceholder(owner: TemplateOwner, name: string): boolean {
  return sinceOf(owner, name) !== undefined
}

/** Whether `release` fills a placeholder. @internal */
export function fillsPlaceholder(release: EmqxRelease, owner: TemplateOwner, name: string): boolean {
  const since = sinceOf(owner, name)
  return since !== undefined && hasSince(release, ...since)
}

/** The first release that fills it, for messages. @internal */
export function placeholderSince(owner: TemplateOwner, name: string): string | undefined {
  return sinceOf(owner, name)?.at(-1)
}

function sinceOf(owner: TemplateOwner, name: string): readonly string[] | undefined {
  if (/^client_attrs\.[A-Za-z0-9][A-Za-z0-9_-]*$/.test(name)) return ['5.7.0']
  const table = owner === 'authenticator' ? authenticator : authorizer
  return Object.hasOwn(table, name) ? table[name] : undefined
}
