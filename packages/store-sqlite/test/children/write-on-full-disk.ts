// Writes into a store until its disk is full, makes room, and writes on; prints what it saw.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sqliteStore } from '@fleetcert/store-sqlite'

const [folder] = process.argv.slice(2) as [string]
const ballast = join(folder, 'ballast')
writeFileSync(ballast, new Uint8Array(512 * 1024))
const store = sqliteStore({ file: join(folder, 'fleet.db') })
const written: string[] = []
const put = async (name: string): Promise<string> => {
  try {
    await store.putDocument(name, new Uint8Array(8 * 1024), 0, [
      { type: 'settingsChanged', at: new Date(), deviceId: name },
    ])
    written.push(name)
    return 'ok'
  } catch (error) {
    const { code, details } = error as { code?: string; details?: { reason?: string } }
    return `${code}: ${details?.reason}`
  }
}
const answers: string[] = []
for (let round = 0; round < 1000 && (answers.at(-1) ?? 'ok') === 'ok'; round += 1) {
  const batch = await Promise.all([put(`a-${round}`), put(`b-${round}`), put(`c-${round}`)])
  answers.push(batch.find(answer => answer !== 'ok') ?? 'ok')
}
const full = answers.at(-1)
rmSync(ballast)
const afterwards = await put('afterwards')
const { items } = await store.ledger({ after: '', limit: 10_000 })
const isWhole = JSON.stringify(items.map(event => event.deviceId)) === JSON.stringify(written)
await store.close()
process.stdout.write(JSON.stringify({ rounds: answers.length, full, afterwards, isWhole }))
