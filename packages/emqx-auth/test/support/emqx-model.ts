// How EMQX takes the answers of an HTTP server, for judging ours where no EMQX runs. The rules are read from its sources; `emqx-vectors.test.ts` holds them against its own test suites and what was seen on the wire.

export type ServerAnswer =
  | { readonly status: number; readonly contentType?: string | undefined; readonly body?: string }
  | 'refused'
  | 'closed'
  | 'timeout'

export interface EmqxRule {
  readonly permission: 'allow' | 'deny'
  readonly action: string
  readonly topics: readonly string[]
}

export type Connack =
  | 'success'
  | 'notAuthorized'
  | 'badUsernameOrPassword'
  | 'serverUnavailable'
  | 'banned'
  | 'serverBusy'

export interface Session {
  readonly connack: Connack
  readonly superuser?: boolean
  /** Absent where the answer said nothing of them. */
  readonly attributes?: Readonly<Record<string, string>>
  readonly acl?: readonly EmqxRule[]
  readonly expireAt?: number
}

export interface Emqx5 {
  readonly profile?: 'legacy' | 'hardened'
  /** Who is asked when this one ignores: nobody, or an authenticator or source that lets everybody in. */
  readonly next?: 'nobody' | 'permissive'
  readonly noMatch?: 'allow' | 'deny'
  readonly now?: Date
}

const failure = Symbol('failure')
type Fields = Readonly<Record<string, unknown>>

/** EMQX 5.0.1 and later, the HTTP authenticator and the end of the chain. */
export function emqx5Connect(answer: ServerAnswer, options: Emqx5 = {}): Session {
  const now = (options.now ?? new Date('2026-06-01T00:00:00Z')).getTime()
  const ignored = (): Session =>
    options.next === 'permissive' ? { connack: 'success', superuser: false } : { connack: 'notAuthorized' }
  const failed = (): Session => (options.profile === 'hardened' ? { connack: 'notAuthorized' } : ignored())
  if (typeof answer !== 'string' && answer.status === 204) return { connack: 'success', superuser: false }
  const fields = fieldsOf(answer, undefined)
  if (fields === failure) return failed()
  const { result = 'ignore' } = fields
  if (result === 'deny') return { connack: 'notAuthorized' }
  if (result === 'ignore') return ignored()
  if (result !== 'allow') return failed()
  const attributes = fields['client_attrs'] ?? {}
  if (typeof attributes !== 'object' || Object.values(attributes as object).some(value => typeof value !== 'string'))
    return failed()
  const expireAt = fields['expire_at']
  if (
    expireAt !== undefined &&
    !(Number.isInteger(expireAt) && (expireAt as number) > now / 1000 && (expireAt as number) < now / 2)
  ) {
    return { connack: 'badUsernameOrPassword' }
  }
  const acl = fields['acl']
  if (acl !== undefined && !Array.isArray(acl)) return failed()
  const rules = (acl as unknown[] | undefined)?.map(ruleOf)
  if (rules?.includes(undefined) === true) return { connack: 'badUsernameOrPassword' }
  return {
    connack: 'success',
    superuser: isTrue(fields['is_superuser']),
    attributes: Object.fromEntries(
      Object.entries(attributes as Record<string, string>).filter(([name]) =>
        /^[A-Za-z0-9]+[A-Za-z0-9-_]*$/.test(name),
      ),
    ),
    ...(rules === undefined ? {} : { acl: rules as EmqxRule[] }),
    ...(expireAt === undefined ? {} : { expireAt: expireAt as number }),
  }
}

/** EMQX 5.0.1 and later, the HTTP authorizer and `no_match`. */
export function emqx5Topic(answer: ServerAnswer, options: Emqx5 = {}): 'allow' | 'deny' {
  const { noMatch = 'deny', profile } = options
  if (typeof answer !== 'string' && answer.status === 204) return 'allow'
  const fields = fieldsOf(answer, 'application/json')
  if (fields === failure || !['allow', 'deny', 'ignore'].includes((fields['result'] ?? 'ignore') as string)) {
    return profile === 'hardened' ? 'deny' : noMatch
  }
  const { result = 'ignore' } = fields
  return result === 'ignore' ? noMatch : (result as 'allow' | 'deny')
}

/** EMQX 4.x, `auth_req` and `super_req`. */
export function emqx4Connect(
  answer: ServerAnswer,
  { superuser, anonymous = true }: { readonly superuser?: ServerAnswer; readonly anonymous?: boolean } = {},
): Session {
  if (typeof answer === 'string') return { connack: 'serverUnavailable' }
  const { status, body = '' } = answer
  if (status === 200 && body === 'ignore') return { connack: anonymous ? 'success' : 'notAuthorized', superuser: false }
  if (status === 200)
    return { connack: 'success', superuser: typeof superuser === 'object' && superuser.status === 200 }
  const connacks: Record<number, Connack> = {
    400: 'badUsernameOrPassword',
    401: 'badUsernameOrPassword',
    403: 'notAuthorized',
    429: 'banned',
    504: 'serverBusy',
  }
  return { connack: connacks[status] ?? 'serverUnavailable' }
}

/** EMQX 4.x, `acl_req`. */
export function emqx4Topic(
  answer: ServerAnswer,
  { noMatch = 'allow', username = '' }: { readonly noMatch?: 'allow' | 'deny'; readonly username?: string } = {},
): 'allow' | 'deny' {
  if (username.startsWith('$') || typeof answer === 'string') return noMatch
  if (answer.status !== 200) return 'deny'
  return answer.body === 'ignore' ? noMatch : 'allow'
}

/** The rules of a session; `undefined`: none of them says anything, so the sources are asked. `dollar`: whether wildcards match `$` topics, which they do or do not by version. */
export function emqxRules(
  acl: readonly EmqxRule[],
  action: 'publish' | 'subscribe',
  topic: string,
  dollar: boolean,
): 'allow' | 'deny' | undefined {
  const actions = { publish: ['pub', 'publish', 'all'], subscribe: ['sub', 'subscribe', 'all'] }[action]
  const matches = (filter: string): boolean =>
    filter.startsWith('eq ') ? filter.slice(3) === topic : matchTopic(topic, filter, dollar)
  return acl.find(rule => actions.includes(rule.action) && rule.topics.some(matches))?.permission
}

/** emqx_topic:match/2, clause by clause. */
function matchTopic(topic: string, filter: string, dollar: boolean): boolean {
  if (!dollar && topic.startsWith('$') && /^[+#]/.test(filter)) return false
  const words = topic.split('/')
  const pattern = filter.split('/')
  for (let index = 0; ; index++) {
    if (index === words.length && index === pattern.length) return true
    if (index < words.length && index < pattern.length) {
      if (words[index] === pattern[index] || pattern[index] === '+') continue
    }
    return index === pattern.length - 1 && pattern[index] === '#'
  }
}

function fieldsOf(answer: ServerAnswer, typeIfMissing: string | undefined): Fields | typeof failure {
  if (typeof answer === 'string' || answer.status !== 200) return failure
  const { contentType = typeIfMissing ?? '', body = '' } = answer
  if (contentType.startsWith('application/json')) {
    try {
      const value: unknown = JSON.parse(body)
      return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : failure
    } catch {
      return failure
    }
  }
  if (!contentType.startsWith('application/x-www-form-urlencoded')) return failure
  return Object.fromEntries(new URLSearchParams(body))
}

function ruleOf(value: unknown): EmqxRule | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { permission, action = 'all', topic, topics = topic === undefined ? [] : [topic] } = value as Fields
  const isRule =
    (permission === 'allow' || permission === 'deny') &&
    ['pub', 'publish', 'sub', 'subscribe', 'all'].includes(action as string) &&
    Array.isArray(topics) &&
    topics.length > 0 &&
    topics.every(one => typeof one === 'string')
  return isRule ? { permission, action: action as string, topics: topics as string[] } : undefined
}

function isTrue(value: unknown): boolean {
  if (typeof value === 'string') return value === 'true' || (/^\d+$/.test(value) && Number(value) >= 1)
  return value === true || (typeof value === 'number' && value >= 1)
}
