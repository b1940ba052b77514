import type { Enforcement, Enforcer } from '../fleet/fleet.ts'
import type { SilenceOutcome } from './enforcement/enforcement-tasks.ts'

/**
 * Asks every enforcer to silence a device and gathers what they say. Never rejects; settles within `timeoutSeconds`, with what is not done by then as `pending`.
 * What each that confirmed has said is in `outcomes`.
 */
export function enforce(
  enforcers: readonly Enforcer[],
  deviceId: string,
  timeoutSeconds: number,
  closed: AbortSignal,
  outcomes?: Map<string, SilenceOutcome>,
): Promise<Enforcement> {
  if (enforcers.length === 0) return Promise.resolve({ confirmed: [], pending: [], failed: [] })
  const confirmed: string[] = []
  const failed: { name: string; error: unknown }[] = []
  const open = new Set(enforcers.map(({ name }) => name))
  // openFleet has checked the seconds: this does not throw.
  const signal = AbortSignal.any([closed, AbortSignal.timeout(timeoutSeconds * 1000)])
  const work = enforcers.map(async enforcer => {
    try {
      const outcome = await enforcer.silence({ deviceId, clientIds: [deviceId] }, { signal })
      outcomes?.set(enforcer.name, outcome)
      if (open.delete(enforcer.name)) confirmed.push(enforcer.name)
    } catch (error) {
      if (signal.aborted) return
      open.delete(enforcer.name)
      failed.push({ name: enforcer.name, error })
    }
  })
  return new Promise(resolve => {
    const settle = (): void => resolve({ confirmed: [...confirmed], pending: [...open], failed: [...failed] })
    if (signal.aborted) settle()
    signal.addEventListener('abort', settle, { once: true })
    void Promise.all(work).then(settle)
  })
}
