import type { EmqxSettings, Hook, Link, Listener, Section, Setting } from './emqx-settings.ts'
import type { Emqx4Line } from './read-emqx4.ts'

type Lines = ReadonlyMap<string, Emqx4Line>

/** EMQX 4.x: `emqx.conf` and the HTTP plugin's file, one after the other. @internal */
export function emqx4Settings(lines: Lines): Omit<EmqxSettings, 'release' | 'deviceCertificate' | 'files'> {
  const root = section(lines, '', 1)
  return {
    format: 'emqx4',
    root,
    includes: [],
    listeners: listenersOf(lines),
    authentication: { name: 'auth.http.auth_req', line: 1, links: linksOf(lines, 'auth_req', 'authenticator') },
    authorization: { name: 'auth.http.acl_req', line: 1, links: linksOf(lines, 'acl_req', 'authorizer') },
  }
}

function listenersOf(lines: Lines): Listener[] {
  return [...lines].flatMap(([key, { line }]) => {
    const match = /^listener\.(tcp|ssl|ws|wss)\.[^.]+$/.exec(key)
    if (match === null) return []
    const own = section(lines, key, line)
    const type = match[1] as Listener['type']
    return [{ ...own, type, isImplied: false, bind: section(lines, '', line).get(key), tls: own, chain: undefined }]
  })
}

function linksOf(lines: Lines, name: 'auth_req' | 'acl_req', owner: Hook['owner']): Link[] {
  const key = `auth.http.${name}`
  const url = lines.get(`${key}.url`)
  if (url === undefined) return []
  const own = section(lines, key, url.line)
  const parameters = lines.get(`${key}.params`)
  const hook: Hook = {
    ...own,
    owner,
    url: own.get('url'),
    method: own.get('method'),
    headers: [...lines].flatMap(([header, { value, line }]) =>
      header.startsWith(`${key}.headers.`)
        ? [{ key: header.slice(key.length + 9).replaceAll('_', '-'), value, line, name: header }]
        : [],
    ),
    body: (parameters?.value ?? '').split(',').flatMap(pair => {
      const equals = pair.indexOf('=')
      if (equals === -1) return []
      const [body, value] = [pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()]
      return [{ key: body, value, line: parameters!.line, name: `${key}.params` }]
    }),
    tls: section(lines, 'auth.http.ssl', url.line),
  }
  return [{ ...own, kind: 'http', isEnabled: true, hook, verdicts: [] }]
}

function section(lines: Lines, name: string, line: number): Section {
  return {
    name,
    line,
    get(key) {
      const full = name === '' ? key : `${name}.${key}`
      const found = lines.get(full)
      return found === undefined ? undefined : { ...setting(found), name: full }
    },
  }
}

const flags: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['on', true],
  ['false', false],
  ['off', false],
])

function setting({ value, line }: Emqx4Line): Omit<Setting, 'name'> {
  return { value: flags.get(value) ?? value, line }
}
