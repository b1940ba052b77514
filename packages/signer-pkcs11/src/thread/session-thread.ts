// The entry of the thread of one session: PKCS #11 calls block until the token has answered, so they are made here and nowhere else.
import { parentPort, workerData } from 'node:worker_threads'
import { createKey } from './create-key.ts'
import { failureOf } from './failure.ts'
import { findKey, keysLabelled, privateKeyLabels } from './key-objects.ts'
import { finalize, initialize, loadModule, type Module } from './module.ts'
import { Session } from './session.ts'
import { BatchSigner } from './sign-batch.ts'
import type { ThreadAnswer, ThreadCall, ThreadData, ThreadResults } from './thread-messages.ts'

const port = parentPort!
const { module: path } = workerData as ThreadData

interface Loaded {
  readonly module: Module
  readonly session: Session
  readonly signer: BatchSigner
}

let loaded: Loaded | undefined

/** At the first call, so that a module that is not there is the failure of a call. */
function load(): Loaded {
  if (loaded === undefined) {
    const module = loadModule(path)
    const session = new Session(module)
    loaded = { module, session, signer: new BatchSigner(module, session) }
  }
  return loaded
}

function execute(call: ThreadCall): ThreadResults[ThreadCall['type']] {
  const { module, session, signer } = load()
  switch (call.type) {
    case 'sign':
      return signer.sign(call)
    case 'initialize':
      return initialize(module)
    case 'finalize':
      return void finalize(module)
    case 'openSession':
      signer.forget()
      return session.open(call.selector)
    case 'login':
      return void session.login(call.pin)
    case 'closeSession':
      return void session.close()
    case 'list':
      session.assertUsable()
      return privateKeyLabels(module, session.handle)
    case 'find': {
      const found = findKey(module, session.handle, call.label, call.keyId)
      if (found === undefined) {
        session.assertUsable()
        return undefined
      }
      const { privateKey: _, ...key } = found
      return key
    }
    case 'create':
      return void createKey(module, session, call.label, call.algorithm, call.keyId)
    case 'delete':
      session.assertUsable()
      return void session.writing(writing => {
        // The private half first: what is left by a crash is harmless.
        for (const half of ['private', 'public'] as const) {
          for (const key of keysLabelled(module, writing, half, call.label)) module.p11.C_DestroyObject(writing, key)
        }
      })
  }
}

port.on('message', (call: ThreadCall) => {
  let answer: ThreadAnswer
  try {
    answer = { result: execute(call) }
  } catch (error) {
    answer = { failure: failureOf(error) }
  }
  port.postMessage(answer)
})
