import { join } from 'node:path'
import { isPkiError, PkiError } from '@fleetcert/x509'
import type { DeviceIdentity } from './device-identity.ts'
import { readTextFile } from './read-text-file.ts'

// No character that means something in a path, a topic or a name, in whatever alphabet the fleet allows. `ca` is the CA's own file name.
const deviceIdPattern = /^(?!ca$)[^\p{Cc}\s.+#/$,\\%"'][^\p{Cc}\s+#/$,\\%"']{0,63}$/u

/**
 * An identity in a fleet's folder: `devices/<id>-cert.pem`, `devices/<id>-key.pem`, and the trust anchors in `devices/ca-cert.pem`, or in `ca-cert.pem` where that copy is missing.
 * The files are read at each connect.
 *
 * @throws PkiError `ERR_PKI_DEVICE_ID`; a file that cannot be read is `ERR_PKI_IDENTITY` when the credential is asked for
 */
export function fileIdentity(directory: string, deviceId: string): DeviceIdentity {
  if (typeof directory !== 'string' || directory === '') {
    throw new TypeError('"directory" must be a string that is not empty')
  }
  if (typeof deviceId !== 'string' || !deviceIdPattern.test(deviceId)) {
    throw new PkiError('ERR_PKI_DEVICE_ID', { field: 'deviceId' })
  }
  const inDevices = (name: string): string => join(directory, 'devices', name)
  return {
    deviceId,
    async credential() {
      const [certificate, privateKey, trustAnchors] = await Promise.all([
        readTextFile(inDevices(`${deviceId}-cert.pem`)),
        readTextFile(inDevices(`${deviceId}-key.pem`)),
        readTextFile(inDevices('ca-cert.pem')).catch(error => {
          if (!isMissingFile(error)) throw error
          return readTextFile(join(directory, 'ca-cert.pem'))
        }),
      ])
      return { certificate, privateKey, trustAnchors }
    },
  }
}

function isMissingFile(error: unknown): boolean {
  return isPkiError(error) && (error.cause as { code?: unknown } | undefined)?.code === 'ENOENT'
}
