import { join } from 'node:path'
import { PkiError } from '@fleetcert/x509'
import type { EnrolmentOptions } from './identity/enrol-identity.ts'
import { createFileStorage } from './identity/file-storage.ts'
import { type RenewableIdentity, storedIdentity } from './identity/renewable-identity.ts'

// No character that means something in a path, a topic or a name, in whatever alphabet the fleet allows. `ca` is the CA's own file name.
const deviceIdPattern = /^(?!ca$)[^\p{Cc}\s.+#/$,\\%"'][^\p{Cc}\s+#/$,\\%"']{0,63}$/u

/** How {@link fileIdentity} begins. */
export interface FileIdentityOptions {
  /** Enrols when the folder holds no credential of the device yet. */
  readonly bootstrap?: EnrolmentOptions
}

/**
 * An identity in a fleet's folder: `devices/<id>-cert.pem`, `devices/<id>-key.pem`, and the trust anchors in `devices/ca-cert.pem`, or in `ca-cert.pem` where that copy is missing.
 * The files are read at each connect.
 *
 * With a renewal or `bootstrap` the credential moves to `devices/<id>-identity/`, where each step is one durable file, so that a power cut at any moment leaves one that works; the files above become copies of it for
 * other programs. A newer pair that a person puts there takes over, and what is in `ca-cert.pem` is always believed.
 *
 * @throws PkiError `ERR_PKI_DEVICE_ID`; a file that cannot be read is `ERR_PKI_IDENTITY` when the credential is asked for
 */
export function fileIdentity(
  directory: string,
  deviceId: string,
  { bootstrap }: FileIdentityOptions = {},
): RenewableIdentity {
  if (typeof directory !== 'string' || directory === '') {
    throw new TypeError('"directory" must be a string that is not empty')
  }
  if (typeof deviceId !== 'string' || !deviceIdPattern.test(deviceId)) {
    throw new PkiError('ERR_PKI_DEVICE_ID', { field: 'deviceId' })
  }
  const storage = createFileStorage(directory, deviceId)
  const identity = storedIdentity({ deviceId, storage, ...(bootstrap === undefined ? {} : { bootstrap }) })
  if (bootstrap !== undefined) return identity
  return {
    ...identity,
    async credential() {
      const { state } = await storage.load()
      if (state.current !== undefined) return identity.credential()
      const path = join(directory, 'devices', `${deviceId}-cert.pem`)
      throw new PkiError('ERR_PKI_IDENTITY', { reason: `cannot read ${path}: ENOENT` })
    },
  }
}
