import type { AddCommand } from '../command-context.ts'
import { addBackup } from './backup.ts'
import { addBroker } from './broker.ts'
import { addCrl } from './crl.ts'
import { addDevice } from './device.ts'
import { addImport } from './import.ts'
import { addInit } from './init.ts'
import { addInspect } from './inspect.ts'
import { addIssuers } from './issuers.ts'
import { addLintBroker } from './lint-broker.ts'
import { addList } from './list.ts'
import { addRelease } from './release.ts'
import { addRestore } from './restore.ts'
import { addHold, addRevoke } from './revoke.ts'
import { addRollover } from './rollover.ts'
import { addRotate } from './rotate.ts'
import { addServe } from './serve.ts'
import { addServer } from './server.ts'
import { addShow } from './show.ts'
import { addVerify } from './verify.ts'

/** In the order of the help. */
export const commands: readonly AddCommand[] = [
  addInit,
  addServe,
  addServer,
  addDevice,
  addShow,
  addList,
  addRevoke,
  addHold,
  addRelease,
  addRotate,
  addImport,
  addIssuers,
  addRollover,
  addBackup,
  addRestore,
  addCrl,
  addInspect,
  addVerify,
  addBroker,
  addLintBroker,
]
