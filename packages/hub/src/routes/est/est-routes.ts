import { decodePem, encodeCertificatesOnly, encodeCsrAttributes, PkiError } from '@fleetcert/core'
import type { DeviceServices } from '../../device/device-services.ts'
import type { Answer, Exchange } from '../../exchange/exchange.ts'
import type { Route, RouteHandler } from '../../exchange/router.ts'
import { peerOf, requireTls } from '../device/device-caller.ts'
import { estAnswer, estHandler } from './est-answer.ts'
import { estCsr } from './est-csr.ts'
import { checkRenewedNames } from './renewed-names.ts'
import { simpleEnrollHandler } from './simple-enroll.ts'

const certsOnly = 'application/pkcs7-mime; smime-type=certs-only'

/**
 * EST (RFC 7030, RFC 8951, RFC 9908) below `/.well-known/est/` and `/.well-known/est/<label>/`: cacerts, simpleenroll, simplereenroll and csrattrs. Full CMC and keys made by the server are not offered.
 */
export function estRoutes(
  services: DeviceServices,
  report: (error: unknown, exchange: Exchange) => void,
): readonly Route[] {
  const operations: readonly (readonly [string, string, RouteHandler])[] = [
    ['cacerts', 'GET', caCertsHandler(services)],
    ['csrattrs', 'GET', csrAttributesHandler(services)],
    ['simpleenroll', 'POST', simpleEnrollHandler(services, certsOnlyAnswer, report)],
    ['simplereenroll', 'POST', simpleReenrollHandler(services)],
  ]
  return operations.flatMap(([operation, method, handler]) => {
    const methods = { [method]: estHandler(labelled(services, handler), report) }
    return [
      { group: 'device', path: `/.well-known/est/${operation}`, methods },
      { group: 'device', path: `/.well-known/est/:label/${operation}`, methods },
    ] as const
  })
}

function labelled({ settings }: DeviceServices, handler: RouteHandler): RouteHandler {
  return async (exchange, parameters) => {
    const { label } = parameters
    if (label !== undefined && !settings.labels.has(label)) throw new PkiError('ERR_PKI_NOT_FOUND', {})
    requireTls(exchange)
    return handler(exchange, parameters)
  }
}

/** RFC 7030 section 4.1: the trust anchors, and what else a client needs to build a chain: the CAs below them, and where the root is being replaced the certificates of each root by the other (section 4.1.3). */
function caCertsHandler({ fleet }: DeviceServices): RouteHandler {
  return async () => {
    let pem = fleet.trustAnchors
    for await (const { role, state, certificate, crossCertificates } of fleet.issuers()) {
      if (state === 'retired' || state === 'revoked') continue
      if (role !== 'root' && !pem.includes(certificate)) pem += certificate
      pem += crossCertificates
    }
    return certsOnlyAnswer(pem)
  }
}

/** RFC 7030 section 4.5: which key is wanted. No names are: those that a request has are not copied. */
function csrAttributesHandler({ settings }: DeviceServices): RouteHandler {
  return async (_exchange, { label }) => {
    const key = (label === undefined ? undefined : settings.labels.get(label)?.key) ?? settings.key
    return estAnswer('application/csrattrs', encodeCsrAttributes(key))
  }
}

/** RFC 7030 section 4.2.2. The device id is that of the certificate of the TLS connection; the old certificate stays good until the new one is confirmed or its own time is over. */
function simpleReenrollHandler(services: DeviceServices): RouteHandler {
  const { fleet, renewals, settings } = services
  const graceSeconds = settings.renewalGraceSeconds
  return async exchange => {
    const peer = await peerOf(exchange, services, graceSeconds)
    const { csr, isOneLine } = await estCsr(exchange)
    checkRenewedNames(csr, peer.certificate)
    const request = { csr: csr.der, presented: peer.fingerprint, graceSeconds }
    const credential = await renewals.run(() => fleet.renew(peer.deviceId, request))
    return certsOnlyAnswer(credential.certificate, isOneLine)
  }
}

function certsOnlyAnswer(pem: string, isOneLine = false): Answer {
  return estAnswer(certsOnly, encodeCertificatesOnly(decodePem(pem, 'CERTIFICATE').map(({ der }) => der)), isOneLine)
}
