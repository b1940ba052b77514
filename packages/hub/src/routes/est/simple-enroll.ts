import { type CertificationRequest, isDeviceId, PkiError } from '@fleetcert/core'
import type { DeviceServices } from '../../device/device-services.ts'
import { enrollByFactory } from '../../device/enroll-by-factory.ts'
import type { Answer, Exchange } from '../../exchange/exchange.ts'
import type { RouteHandler } from '../../exchange/router.ts'
import { type EnrollmentCredentials, enrollmentCredentials } from './enrollment-credentials.ts'
import { estCsr } from './est-csr.ts'

/**
 * RFC 7030 section 4.2.1. By a one-time token in the Authorization header, or, without that header, by a factory certificate of the TLS connection. Names of the request are not copied: what the device is called the
 * operator has said, by the token or the factory callback.
 */
export function simpleEnrollHandler(
  services: DeviceServices,
  answer: (certificates: string, isOneLine: boolean) => Answer,
  report: (error: unknown, exchange: Exchange) => void,
): RouteHandler {
  const { fleet, enrolments } = services
  return async (exchange, { label }) => {
    const credentials = enrollmentCredentials(exchange.header('authorization'))
    const peerCertificates = exchange.context().peerCertificates ?? []
    if (credentials === undefined && peerCertificates.length === 0) throw new PkiError('ERR_PKI_FORBIDDEN', {})
    const { csr, isOneLine } = await estCsr(exchange)
    if (credentials !== undefined) {
      const { token } = credentials
      const deviceId = enrollingDevice(credentials, csr)
      const { certificate } = await enrolments.run(() => fleet.enroll(deviceId, { csr: csr.der, token }))
      return answer(certificate, isOneLine)
    }
    const caller = { peerCertificates, label, report: (error: unknown) => report(error, exchange) }
    return answer(await enrolments.run(() => enrollByFactory(services, csr, caller)), isOneLine)
  }
}

/** Whose the token is said to be. A wrong answer is no danger: a token is good for one device. */
function enrollingDevice({ deviceId }: EnrollmentCredentials, csr: CertificationRequest): string {
  const names = csr.subject.flat().filter(({ type }) => type === 'CN')
  const named = deviceId ?? (names.length === 1 ? names[0]!.value : undefined)
  if (!isDeviceId(named)) throw new PkiError('ERR_PKI_TOKEN', {})
  return named
}
