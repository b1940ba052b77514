import type { StoreState } from '@fleetcert/core'
import { listOf, numberOf, octetsOf, textOf } from '../replies.ts'
import { changeState as changeStateScript, state as stateScript } from '../scripts/fleet-state.ts'
import type { Server } from '../server.ts'

const words = { open: '', receiving: 'RECEIVING', sealed: 'SEALED' } as const

export async function state(server: Server): Promise<StoreState> {
  const [id, word, note, isEmpty] = listOf(await server.read(stateScript))
  const fleetId = textOf(id)
  if (textOf(word) === words.receiving) return { fleetId, state: 'receiving', note: octetsOf(note).toString() }
  if (textOf(word) === words.sealed) return { fleetId, state: 'sealed' }
  return { fleetId, state: numberOf(isEmpty) === 1 ? 'empty' : 'open' }
}

export async function changeState(server: Server, from: keyof typeof words, to: 'open' | 'sealed'): Promise<boolean> {
  return numberOf(await server.runAnyway(changeStateScript, words[from], words[to])) === 1
}
