// The entry of the thread that verifies signatures. It loads node:crypto and nothing else.
import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import { unpackJobs, type VerificationRequest, type VerificationResponse } from './verification-message.ts'

const kept: (KeyObject | undefined)[] = []
const port = parentPort!
const reply = (response: VerificationResponse): void => port.postMessage(response)

port.on('message', (request: VerificationRequest) => {
  if ('keep' in request) {
    kept.push(importKey(request.keep))
    return
  }
  const verdicts: number[] = []
  for (const { hash, key, message, signature } of unpackJobs(request)) {
    const publicKey = typeof key === 'number' ? kept[key] : importKey(key)
    verdicts.push(publicKey !== undefined && isGood(hash, message, publicKey, signature) ? 1 : 0)
  }
  reply(Uint8Array.from(verdicts))
})
reply('ready')

/** `undefined` for a malformed key, or a point that is not on its curve. */
function importKey(spki: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  } catch {
    return undefined
  }
}

function isGood(hash: string | null, message: Uint8Array, key: KeyObject, signature: Uint8Array): boolean {
  try {
    return verify(hash, message, key, signature)
  } catch {
    return false
  }
}
