import type { EmqxRelease } from '../config/emqx-version.ts'
import type { Chain, EmqxSettings, Hook, Listener, Setting } from './emqx-settings.ts'

/** Whether a setting is there and is one of `values`; EMQX takes them in quotes, too. @internal */
export function says(setting: Setting | undefined, ...values: readonly (string | boolean)[]): boolean {
  return setting !== undefined && values.some(value => setting.value === value || setting.value === String(value))
}

/** Listeners whose handshake can ask for a certificate. @internal */
export function tlsListeners({ listeners }: EmqxSettings): Listener[] {
  return listeners.filter(({ type }) => type === 'ssl' || type === 'wss')
}

/** Whether only this machine reaches it. @internal */
export function isOnLoopback({ bind }: Listener): boolean {
  return typeof bind?.value === 'string' && /^(?:127\.\d+\.\d+\.\d+|\[::1\]|localhost):\d+$/.test(bind.value)
}

/** Listeners that check CRLs. @internal */
export function crlListeners(settings: EmqxSettings): Listener[] {
  return tlsListeners(settings).filter(({ tls }) => says(tls.get('enable_crl_check'), true))
}

/** The authenticators of all clients: the common ones, and a listener's own. @internal */
export function chains({ listeners, authentication }: EmqxSettings): Chain[] {
  return [authentication, ...listeners.flatMap(({ chain }) => (chain === undefined ? [] : [chain]))]
}

/** Everything that asks over HTTP. @internal */
export function hooks(settings: EmqxSettings): Hook[] {
  return [...chains(settings), settings.authorization].flatMap(({ links = [] }) =>
    links.flatMap(({ hook, isEnabled }) => (hook !== undefined && isEnabled ? [hook] : [])),
  )
}

/** Whether the release has something; `otherwise` where it is not known. @internal */
export function has(
  { release }: EmqxSettings,
  feature: (release: EmqxRelease) => boolean,
  otherwise: boolean,
): boolean {
  return release === undefined ? otherwise : feature(release)
}

const milliseconds: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A duration such as `"5s"`, `"1m30s"` or a number of milliseconds. @internal */
export function seconds(setting: Setting | undefined): number | undefined {
  const value = setting?.value
  if (typeof value === 'number') return value / 1000
  if (typeof value !== 'string' || !/^(?:\d{1,12}(?:ms|[smhd]))+$|^\d{1,12}$/i.test(value)) return undefined
  if (/^\d+$/.test(value)) return Number(value) / 1000
  let sum = 0
  for (const [, count, unit] of value.toLowerCase().matchAll(/(\d+)(ms|[smhd])/g))
    sum += Number(count) * milliseconds[unit!]!
  return sum / 1000
}

/** The names of what a template has filled in: `${name}` of EMQX 5, or the `%x` that a value of EMQX 4 is. @internal */
export function placeholdersOf(setting: Setting, format: EmqxSettings['format']): string[] {
  if (typeof setting.value !== 'string') return []
  if (format === 'emqx4') return /^%[A-Za-z]$/.test(setting.value) ? [setting.value] : []
  return [...setting.value.matchAll(/\$\{([^{}]*)\}/g)].map(([, name]) => name!)
}
