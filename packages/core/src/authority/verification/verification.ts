import { type CertificationRequest, PkiError, verificationHash, verifyCertificationRequest } from '@fleetcert/x509'
import type { Signer } from '../../signer/signer.ts'
import { ownKey } from './own-key.ts'
import { createTurns } from './turns.ts'
import { VerificationWorker } from './verification-worker.ts'

/**
 * Verifies what issuing has to verify: proofs of possession, and our own signatures. When many certificates are under way and there is another core, a thread does most of it: a P-256 verification takes as long as
 * all the rest of a certificate. Nothing is remembered of a stranger's key from one request to the next.
 */
export interface Verification {
  /** Counts `work` as under way. */
  count<T>(work: () => Promise<T>): Promise<T>
  /** @throws PkiError `ERR_PKI_CSR_SIGNATURE`, `ERR_PKI_KEY_POLICY` */
  proofOfPossession(csr: CertificationRequest): Promise<void> | void
  /** Whether a signature is the signer's own. */
  ownSignature(signer: Signer, message: Uint8Array, signature: Uint8Array): Promise<boolean> | boolean
  close(): Promise<void>
}

/** With fewer under way, the way to the thread and back costs more than it saves. */
const worthThread = 4
/** With more waiting for the thread it is quicker to verify here than to wait. */
const mostBacklog = 32
/** How many verifications are done before others have their turn. P-256 takes some 50 µs, P-384 ten times that. */
const mostInTurn = 8
/** The same where there is no thread whose answers wait: below 20 ms, whatever the keys. */
const mostInTurnAlone = 16
/** A thread that never came up is not tried for ever. */
const mostFailedStarts = 3

/** @param cores that issuing may use; where there is one, there is no thread. */
export function createVerification({ cores }: { readonly cores: number }): Verification {
  let underWay = 0
  let worker: VerificationWorker | undefined
  let startsLeft = cores > 1 ? mostFailedStarts : 0

  const start = (): void => {
    startsLeft -= 1
    try {
      const started = new VerificationWorker({
        onReady: () => {
          startsLeft = mostFailedStarts
        },
        onEnd: () => {
          if (worker === started) worker = undefined
        },
      })
      worker = started
    } catch {
      // Threads are not allowed here (--permission): it goes without.
      startsLeft = 0
    }
  }

  const turns = createTurns(cores > 1 ? mostInTurn : mostInTurnAlone)

  /** Runs `verify` here: at once, or when it is its turn, so that many at a time leave room for others, and for the answers of the thread. */
  const here = <T>(verify: () => T): T | Promise<T> => {
    const turn = underWay < worthThread ? undefined : turns.next()
    return turn === undefined ? verify() : turn.then(verify)
  }

  /** The thread, if it should do this one. */
  const freeThread = (): VerificationWorker | undefined => {
    if (underWay < worthThread) return undefined
    if (worker === undefined && startsLeft > 0) start()
    return worker?.isReady === true && worker.backlog < mostBacklog ? worker : undefined
  }

  return {
    async count<T>(work: () => Promise<T>): Promise<T> {
      underWay += 1
      try {
        return await work()
      } finally {
        underWay -= 1
      }
    },

    proofOfPossession(csr) {
      const thread = freeThread()
      const hash = thread && verificationHash(csr.signatureAlgorithm, csr.publicKey)
      // What cannot be verified has its error from there.
      if (thread === undefined || hash === undefined) return here(() => verifyCertificationRequest(csr))
      const { subjectPublicKeyInfo: key, certificationRequestInfo: message, signature } = csr
      return thread.verify({ hash, key, message, signature }).then(verdict => {
        if (verdict === undefined) verifyCertificationRequest(csr)
        else if (!verdict) throw new PkiError('ERR_PKI_CSR_SIGNATURE', {})
      })
    },

    ownSignature(signer, message, signature) {
      const thread = freeThread()
      const { spki, hash, verify } = ownKey(signer)
      if (thread === undefined || hash === undefined) return here(() => verify(signer.algorithm, message, signature))
      return thread
        .verify({ hash, key: thread.keep(spki), message, signature })
        .then(verdict => verdict ?? verify(signer.algorithm, message, signature))
    },

    async close() {
      startsLeft = 0
      await worker?.end()
    },
  }
}
