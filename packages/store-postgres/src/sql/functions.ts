import { certificateFunctions } from './certificates.ts'
import { crlFunctions } from './crls.ts'
import { ledgerFunctions } from './ledger.ts'
import { reservationFunctions } from './reservations.ts'
import { restFunctions } from './rest.ts'
import { revocationFunctions } from './revocations.ts'
import { transferFunctions } from './transfer.ts'
import { writeFunctions } from './write.ts'

/** What runs on the server, over the tables of the newest step, each after what it needs. `@.` stands for the fleet's schema. */
export const functions: string = [
  certificateFunctions,
  ledgerFunctions,
  restFunctions,
  reservationFunctions,
  revocationFunctions,
  crlFunctions,
  transferFunctions,
  writeFunctions,
].join('\n')
