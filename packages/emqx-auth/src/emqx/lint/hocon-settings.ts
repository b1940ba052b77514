import type { Chain, EmqxSettings, Hook, Link, Listener, Section, Setting } from './emqx-settings.ts'
import type { HoconNode } from './hocon-node.ts'
import type { HoconFile } from './hocon-tree.ts'

const listenerTypes = ['tcp', 'ssl', 'ws', 'wss', 'quic'] as const

/** EMQX 5 and 6. @internal */
export function hoconSettings({
  root,
  includes,
}: HoconFile): Omit<EmqxSettings, 'release' | 'deviceCertificate' | 'files'> {
  const whole = section(root, '', 1)
  return {
    format: 'hocon',
    root: whole,
    includes,
    listeners: listenerTypes.flatMap(type => listenersOf(root, type)),
    authentication: chainOf(find(root, 'authentication'), 'authentication', 'authenticator'),
    authorization: chainOf(find(root, 'authorization.sources'), 'authorization.sources', 'authorizer'),
  }
}

function listenersOf(root: HoconNode, type: Listener['type']): Listener[] {
  const group = find(root, `listeners.${type}`)
  const listeners: Listener[] = []
  const written = group?.type === 'object' ? group.entries : new Map<string, HoconNode>()
  for (const [name, node] of written) {
    // Deleted by hand in the dashboard.
    if (node.type === 'value' && node.value === 'marked_for_deletion') continue
    const key = `listeners.${type}.${name}`
    const listener = section(node, key, node.line)
    const isOn = listener.get('enable') ?? listener.get('enabled')
    if (isOn?.value === false) continue
    const chain = find(node, 'authentication')
    listeners.push({
      ...listener,
      type,
      isImplied: false,
      bind: listener.get('bind'),
      tls: section(
        find(node, type === 'quic' && find(node, 'ssl_options') === undefined ? '' : 'ssl_options'),
        `${key}.ssl_options`,
        node.line,
      ),
      chain: isEmpty(chain) ? undefined : chainOf(chain, `${key}.authentication`, 'authenticator'),
    })
  }
  // "listeners.<type>.default" is there even where nothing is said about it, except for QUIC.
  if (type !== 'quic' && !written.has('default')) {
    const key = `listeners.${type}.default`
    const nothing = section(undefined, key, group?.line ?? 1)
    const tls = section(undefined, `${key}.ssl_options`, nothing.line)
    listeners.push({ ...nothing, type, isImplied: true, bind: undefined, tls, chain: undefined })
  }
  return listeners
}

/** An array, or what stands for one: an object with the keys 1, 2, 3, or a single item. */
function chainOf(node: HoconNode | undefined, name: string, owner: Hook['owner']): Chain {
  const line = node?.line ?? 1
  if (node === undefined) return { name, line, links: [] }
  const items =
    node.type === 'array'
      ? node.items
      : node.type !== 'object'
        ? undefined
        : [...node.entries.keys()].every(key => /^\d+$/.test(key))
          ? [...node.entries].sort(([one], [other]) => Number(one) - Number(other)).map(([, item]) => item)
          : [node]
  return { name, line, links: items?.map((item, index) => linkOf(item, `${name}.${index + 1}`, owner)) }
}

function linkOf(node: HoconNode, name: string, owner: Hook['owner']): Link {
  const own = section(node, name, node.line)
  const [mechanism, backend, type] = [own.get('mechanism'), own.get('backend'), own.get('type')]
  const kind = owner === 'authorizer' ? type?.value : (backend?.value ?? mechanism?.value)
  const checks = find(node, 'checks')
  return {
    ...own,
    kind: typeof kind === 'string' ? kind : undefined,
    isEnabled: own.get('enable')?.value !== false,
    hook: kind === 'http' ? hookOf(node, own, owner) : undefined,
    verdicts:
      checks?.type === 'array'
        ? checks.items.map(check => {
            const result = find(check, 'result')
            return result?.type === 'value' && typeof result.value === 'string' ? result.value : undefined
          })
        : [undefined],
  }
}

function hookOf(node: HoconNode, own: Section, owner: Hook['owner']): Hook {
  return {
    ...own,
    owner,
    url: own.get('url'),
    method: own.get('method'),
    headers: pairs(find(node, 'headers'), `${own.name}.headers`),
    body: pairs(find(node, 'body'), `${own.name}.body`),
    tls: section(find(node, 'ssl'), `${own.name}.ssl`, node.line),
  }
}

function pairs(node: HoconNode | undefined, name: string): (Setting & { readonly key: string })[] {
  if (node?.type !== 'object') return []
  return [...node.entries].map(([key, value]) => ({ key, ...setting(value, `${name}.${key}`) }))
}

function section(node: HoconNode | undefined, name: string, line: number): Section {
  return {
    name,
    line: node?.line ?? line,
    get(key) {
      const found = find(node, key)
      if (isEmpty(found)) return undefined
      return setting(found!, name === '' ? key : `${name}.${key}`)
    },
  }
}

/** A list of plain values is their text with commas between them. */
function setting(node: HoconNode, name: string): Setting {
  return { value: plainValue(node), line: node.line, name }
}

function plainValue(node: HoconNode): Setting['value'] {
  if (node.type === 'value') return node.value ?? undefined
  if (node.type !== 'array') return undefined
  const items = node.items.map(item => (item.type === 'value' ? item.value : null))
  return items.includes(null) ? undefined : items.join(',')
}

function isEmpty(node: HoconNode | undefined): boolean {
  return node === undefined || (node.type === 'value' && node.value === null)
}

function find(node: HoconNode | undefined, path: string): HoconNode | undefined {
  let found = node
  for (const name of path === '' ? [] : path.split('.')) {
    found = found?.type === 'object' ? found.entries.get(name) : undefined
  }
  return found
}
