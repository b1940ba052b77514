import type { Cursor } from '../../store/store.ts'

/** What happened that lets a device connect again. */
export type AdmissionCause = 'issued' | 'renewed' | 'registered' | 'released'

/** What an enforcer has still to be told of a device: that it is to be silenced, that it may connect, or both in this order. */
export interface OpenTask {
  readonly deviceId: string
  /** Of the last event that asks for it. */
  readonly sequence: number
  readonly silence: boolean
  readonly admit?: AdmissionCause
}

/** Where an enforcer has come to in the ledger, as it is kept in the store. */
export interface EnforcementState {
  /** Everything up to there is done, or among `open`. */
  readonly after: Cursor
  readonly open: readonly OpenTask[]
}

const format = 1
const causes: readonly unknown[] = ['issued', 'renewed', 'registered', 'released']

export function encodeEnforcementState({ after, open }: EnforcementState): Uint8Array {
  const tasks = open.map(({ deviceId, sequence, silence, admit = '' }) => [deviceId, sequence, silence ? 1 : 0, admit])
  return Buffer.from(JSON.stringify({ format, after, open: tasks }))
}

/** `undefined` for what is not such a state: then the ledger is followed from its beginning, which does everything once more and leaves nothing out. */
export function decodeEnforcementState(value: Uint8Array): EnforcementState | undefined {
  let state: { readonly format?: unknown; readonly after?: unknown; readonly open?: unknown }
  try {
    state = JSON.parse(Buffer.from(value).toString('utf8'))
  } catch {
    return undefined
  }
  if (state?.format !== format || typeof state.after !== 'string' || !Array.isArray(state.open)) return undefined
  const open: OpenTask[] = []
  for (const entry of state.open as readonly unknown[]) {
    if (!Array.isArray(entry)) return undefined
    const [deviceId, sequence, silence, admit] = entry as readonly unknown[]
    if (typeof deviceId !== 'string' || !Number.isSafeInteger(sequence)) return undefined
    open.push({
      deviceId,
      sequence: sequence as number,
      silence: silence === 1,
      ...(causes.includes(admit) ? { admit: admit as AdmissionCause } : {}),
    })
  }
  return { after: state.after, open }
}
