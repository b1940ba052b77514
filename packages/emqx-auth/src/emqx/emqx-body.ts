import type { EmqxDialect } from './emqx-dialect.ts'

/** What we read of a request, by the names of EMQX 5. */
export type EmqxBodyKey =
  | 'clientid'
  | 'username'
  | 'peerhost'
  | 'cert_pem'
  | 'cert_common_name'
  | 'cert_subject'
  | 'fingerprint'
  | 'action'
  | 'topic'
  | 'qos'
  | 'retain'

/** The keys of the authenticator's body in EMQX 5; each is the placeholder of that name. */
export const authenticateKeys = [
  'clientid',
  'username',
  'peerhost',
  'cert_pem',
  'cert_common_name',
  'cert_subject',
] as const

/** The keys of the authorizer's body in EMQX 5. From 5.7 on `fingerprint` may be added, as `${client_attrs.fingerprint}`: the certificate that connected, where there is otherwise only its name. */
export const authorizeKeys = ['clientid', 'username', 'cert_common_name', 'action', 'topic', 'qos', 'retain'] as const

const emqx5Names: Readonly<Record<EmqxBodyKey, string>> = {
  clientid: 'clientid',
  username: 'username',
  peerhost: 'peerhost',
  cert_pem: 'cert_pem',
  cert_common_name: 'cert_common_name',
  cert_subject: 'cert_subject',
  fingerprint: 'fingerprint',
  action: 'action',
  topic: 'topic',
  qos: 'qos',
  retain: 'retain',
}

/**
 * In EMQX 4 the names of what says who it is, and of the action, are others: after its own examples, and none of EMQX 5's, so that a broker of one kind that asks a server of the other gets nothing out of it.
 * `certificate` is the user name `%u`, which must be the certificate (`peer_cert_as_username = pem`); `common_name` is `%C`, `subject` `%d`, `access` `%A`.
 */
const defaultNames: Readonly<Record<EmqxDialect, Readonly<Record<EmqxBodyKey, string>>>> = {
  emqx5: emqx5Names,
  emqx4: {
    ...emqx5Names,
    peerhost: 'ipaddr',
    cert_pem: 'certificate',
    cert_common_name: 'common_name',
    cert_subject: 'subject',
    action: 'access',
  },
}

/** Other names for some of the keys. */
export type EmqxBodyKeys = Partial<Record<EmqxBodyKey, string>>

/** The name of each key. */
export type EmqxBodyNames = Readonly<Record<EmqxBodyKey, string>>

/** The fields of a body; one that is absent was not sent, or has no value. */
export type EmqxBody = { readonly [key in EmqxBodyKey]?: string }

/** Every key, in order. */
export const emqxBodyKeys = Object.keys(emqx5Names) as readonly EmqxBodyKey[]

/** @throws TypeError for an unknown key, an empty name, or two keys of one name. */
export function resolveBodyKeys(names: EmqxBodyKeys = {}, dialect: EmqxDialect = 'emqx5'): EmqxBodyNames {
  for (const [key, name] of Object.entries(names)) {
    if (!emqxBodyKeys.includes(key as EmqxBodyKey)) throw new TypeError(`"bodyKeys" has no key ${key}`)
    if (typeof name !== 'string' || !/^[\w.-]{1,64}$/.test(name))
      throw new TypeError(`"bodyKeys.${key}" must be 1 to 64 of A–Z a–z 0–9 _ . -`)
  }
  const resolved: EmqxBodyNames = { ...defaultNames[dialect], ...names }
  if (new Set(Object.values(resolved)).size !== emqxBodyKeys.length)
    throw new TypeError('"bodyKeys" gives two keys one name')
  return resolved
}
